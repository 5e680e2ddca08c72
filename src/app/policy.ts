/** What a configuration means for new connections; a reload makes another and swaps it in. */
import type { Address } from '../net/address.ts';
import type { HasAddress } from '../net/local_addresses.ts';
import type { DualRanges } from '../net/ranges.ts';
import type { Decision } from '../route/decide.ts';
import type { Timeouts, UpstreamConfig } from '../config/config.ts';
import type { Upstreams } from '../upstream/upstream.ts';
import type { UpstreamStatus } from './upstreams/build.ts';

export interface Policy {
  decide(destination: Address): Decision;
  /** Whatever the scope. */
  isChinese(address: Address): boolean;
  /** Private, loopback and the like. */
  isSpecial(address: Address): boolean;
  readonly upstreams: Upstreams;
  /** What these are made of, those of subscriptions included; one that could not be built is among them. */
  readonly configured: readonly UpstreamConfig[];
  upstreamStatus(): readonly UpstreamStatus[];
  readonly timeouts: Timeouts;
  /** What the kernel need not even show us. */
  readonly bypass: DualRanges;
  /** Another is in force: no new flow goes by this one. */
  retire(): void;
  /** The machine may have come to another network: see BuiltUpstreams. */
  renew(hasAddress: HasAddress): void;
  /** Ends what the policy keeps going (refreshing the upstream's addresses). */
  stop(): Promise<void>;
}
