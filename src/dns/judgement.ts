/** What an answer from a China resolver is worth. */
import { formatAddress, type Address } from '../net/address.ts';
import { POISON } from './poison.ts';
import { addressesOf, rcodeOf } from './wire/answer.ts';
import { RCODE } from './wire/constants.ts';
import { layoutOf } from './wire/records.ts';

export type Judgement =
  /** It has addresses, and all of them are in China. */
  | 'chinese'
  /** It has addresses, not all of them in China; none is bogus. */
  | 'foreign'
  /** It has an address that no public name has: private, loopback, 0.0.0.0, or known from forgeries. */
  | 'bogus'
  /** A proper answer without addresses: NODATA, NXDOMAIN, or records of other types. */
  | 'addressless'
  /** The resolver says that it couldn't: SERVFAIL, REFUSED and the like. */
  | 'unwell'
  /** It can't be read to its end. */
  | 'malformed';

export interface Geography {
  readonly isChinese: (address: Address) => boolean;
  /** Private, loopback and the like (RFC 6890): not an address on the Internet. */
  readonly isSpecial: (address: Address) => boolean;
}

/** @param answer a message that has a whole header */
export function judge(answer: Uint8Array, { isChinese, isSpecial }: Geography): Judgement {
  if (layoutOf(answer) === undefined) return 'malformed';
  const rcode = rcodeOf(answer);
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return 'unwell';
  const addresses = addressesOf(answer);
  if (addresses.length === 0) return 'addressless';
  if (addresses.some((address) => isSpecial(address) || POISON.has(formatAddress(address)))) return 'bogus';
  return addresses.every(isChinese) ? 'chinese' : 'foreign';
}
