/** CIDR blocks (RFC 4632, RFC 4291 §2.3). */
import { formatAddress, parseAddress, type Address } from './address.ts';
import { addressWords } from './ranges.ts';

export interface Cidr {
  readonly address: Address;
  /** Bits, 0..32 or 0..128. */
  readonly prefix: number;
}

/**
 * Reads `address/prefix`, or a bare address as a block of one.
 * @returns undefined if it is neither; host bits that are set are not an error here, see {@link hasHostBits}
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) return undefined;
  const width = address.family === 4 ? 32 : 128;
  if (slash < 0) return { address, prefix: width };
  const digits = text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > width) return undefined;
  return { address, prefix: Number(digits) };
}

/** `192.0.2.7/24` names a host, not a block: true. */
export function hasHostBits({ address, prefix }: Cidr): boolean {
  return addressWords(address).some((word, i) => {
    const bits = Math.min(32, Math.max(0, prefix - 32 * i));
    return bits < 32 && (word & (0xffffffff >>> bits)) !== 0;
  });
}

/** `address/prefix`. */
export function formatCidr({ address, prefix }: Cidr): string {
  return `${formatAddress(address)}/${prefix}`;
}
