/** NAT64 (RFC 6146): behind one, an IPv4-only site has an IPv6 address too, with its IPv4 address inside. */
import type { Address } from '../net/address.ts';

/** 64:ff9b::/96, the well-known prefix; the IPv4 address is the last 4 bytes (RFC 6052 §2.1, §2.2). */
const WELL_KNOWN = [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];

/**
 * What a far proxy is to be asked for: it may have no NAT64 on its side, so the IPv4 address behind the well-known
 * prefix; any other address as it is.
 */
export function withoutNat64(address: Address): Address {
  if (address.family === 4 || WELL_KNOWN.some((byte, i) => address.bytes[i] !== byte)) return address;
  return { family: 4, bytes: address.bytes.slice(12) };
}
