/** Which way a connection goes, by its destination address. */
import type { Scope } from '../config/config.ts';
import type { Address } from '../net/address.ts';
import { contains, unionDual, type DualRanges } from '../net/ranges.ts';
import { withoutNat64 } from './nat64.ts';

export interface RoutePolicy {
  readonly scope: Scope;
  /** Private and special-purpose nets, see special.ts. */
  readonly special: DualRanges;
  /** Addresses in China. They count only if the scope is `bypass-cn`. */
  readonly cn: DualRanges;
  /** What the user listed, names resolved. */
  readonly bypass: DualRanges;
}

export interface Decision {
  readonly where: 'direct' | 'upstream';
  /** What decided: the user's list, the special nets, the CN ranges, or none of them. */
  readonly why: 'bypass' | 'private' | 'cn' | 'default';
}

// Shared, so that a decision allocates nothing.
const BYPASS: Decision = { where: 'direct', why: 'bypass' };
const PRIVATE: Decision = { where: 'direct', why: 'private' };
const CN: Decision = { where: 'direct', why: 'cn' };
const DEFAULT: Decision = { where: 'upstream', why: 'default' };

/**
 * Decides for one destination, as the client's packets have it. An address of the well-known NAT64 prefix is judged
 * as itself and as the IPv4 address within.
 */
export function decide(policy: RoutePolicy, destination: Address): Decision {
  const decision = judge(policy, destination);
  if (decision !== DEFAULT) return decision;
  const within = withoutNat64(destination);
  return within === destination ? decision : judge(policy, within);
}

function judge({ scope, special, cn, bypass }: RoutePolicy, address: Address): Decision {
  const family = address.family === 4 ? 'v4' : 'v6';
  if (contains(bypass[family], address)) return BYPASS;
  if (contains(special[family], address)) return PRIVATE;
  if (scope === 'bypass-cn' && contains(cn[family], address)) return CN;
  return DEFAULT;
}

/**
 * The destinations that the kernel lets straight out by itself. Whatever is in here, {@link decide} calls direct; what
 * decide calls direct and is not in here is an IPv4 address behind NAT64, which would double the kernel's sets.
 */
export function kernelBypass({ scope, special, cn, bypass }: RoutePolicy): DualRanges {
  return unionDual(scope === 'bypass-cn' ? [special, cn, bypass] : [special, bypass]);
}
