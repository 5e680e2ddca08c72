/** Where this server itself can be reached. */
import { sameAddress, type Address, type Endpoint } from '../../net/address.ts';
import { localAddresses } from '../../net/local_addresses.ts';

/** @param ports where it listens, on whatever addresses */
export function isOwnEndpoint(
  ports: ReadonlySet<number>,
  { address, port }: Endpoint,
  local: () => readonly Address[] = localAddresses,
): boolean {
  if (!ports.has(port)) return false;
  // The whole of 127.0.0.0/8 is this machine (RFC 1122 §3.2.1.3), and so it takes 0.0.0.0 and :: (Linux, connect(2)).
  if (address.family === 4 && address.bytes[0] === 127) return true;
  if (address.bytes.every((byte) => byte === 0)) return true;
  return local().some((own) => sameAddress(own, address));
}
