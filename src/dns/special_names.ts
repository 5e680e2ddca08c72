/** Names that no resolver may ask for: their answer is fixed by RFCs. */
import type { Address } from '../net/address.ts';

export interface SpecialAnswer {
  /** Nothing of them is there: NXDOMAIN. */
  readonly exists: boolean;
  readonly addresses: readonly Address[];
  /** Where it is written. */
  readonly source: string;
}

const LOOPBACK: readonly Address[] = [
  { family: 4, bytes: Uint8Array.of(127, 0, 0, 1) },
  { family: 6, bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
];

const nothing = (source: string): SpecialAnswer => ({ exists: false, addresses: [], source });

/** By last label; all of them hold for the names below them, too. */
const BY_LAST_LABEL: ReadonlyMap<string, SpecialAnswer> = new Map([
  ['localhost', { exists: true, addresses: LOOPBACK, source: 'RFC 6761 §6.3' }],
  ['invalid', nothing('RFC 6761 §6.4')],
  ['onion', nothing('RFC 7686 §2')],
  ['alt', nothing('RFC 9476')],
]);

/**
 * Clients that ask `_dns.resolver.arpa` want to talk to the resolver by TLS. Passed on, the answer would send them past us
 * to ours.
 */
const DESIGNATED: SpecialAnswer = { exists: true, addresses: [], source: 'RFC 9462 §4' };

/** @returns undefined for an ordinary name */
export function specialAnswer(name: string): SpecialAnswer | undefined {
  const special = BY_LAST_LABEL.get(name.slice(name.lastIndexOf('.') + 1));
  if (special !== undefined) return special;
  return name === 'resolver.arpa' || name.endsWith('.resolver.arpa') ? DESIGNATED : undefined;
}
