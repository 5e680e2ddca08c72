/** Who counts as one client. */
import { formatAddress, parseAddress, unmapped } from '../net/address.ts';

/** Bytes of an IPv6 address that say the network; the rest anybody there chooses, and changes (RFC 4291 §2.5.1, RFC 8981). */
const NETWORK = 8;

/**
 * An IPv4 address, or an IPv6 address's /64.
 * @param address as the runtime has a socket's peer: of a socket of both families, IPv4 is mapped
 */
export function clientKey(address: string): string {
  const parsed = parseAddress(address);
  if (!parsed) return address;
  const own = unmapped(parsed);
  if (own.family === 4) return formatAddress(own);
  const network = own.bytes.map((byte, i) => (i < NETWORK ? byte : 0));
  return `${formatAddress({ family: 6, bytes: network })}/64`;
}
