/** Where a redirected connection wanted to go. How to ask is the system's own; what to make of the answer is not. */
import { unmapped, type Endpoint } from '../net/address.ts';

/**
 * Where the client of an accepted TCP connection wanted to go. A connection that nobody redirected may have our own end
 * as its answer: see {@link isOwnListener}.
 *
 * @param fd of the accepted socket
 * @param family of the client: 4 also for an IPv4 client of an IPv6 socket
 * @returns undefined if the connection was not redirected, or that is not known any more; its bytes are the caller's.
 *   A promise where another program must be asked
 * @throws SystemError, or another error, for everything else
 */
export type OriginalDestination = (
  fd: number,
  family: 4 | 6,
) => Endpoint | undefined | Promise<Endpoint | undefined>;

/**
 * Is this our own listener? Then the client connected to it directly, and to dial the destination would be to dial
 * ourselves, again and again. The listeners are on loopback, so any loopback address with their port is meant, and the
 * unspecified address, which connects to loopback too.
 * @param localPort of our listeners
 */
export function isOwnListener({ address, port }: Endpoint, localPort: number): boolean {
  if (port !== localPort) return false;
  const { family, bytes } = unmapped(address);
  // 127.0.0.0/8 (RFC 1122 §3.2.1.3 g) and 0.0.0.0
  if (family === 4) return bytes[0] === 127 || bytes.every((byte) => byte === 0);
  // ::1 and :: (RFC 4291 §2.5.2, §2.5.3)
  return bytes[15]! <= 1 && bytes.every((byte, i) => byte === 0 || i === 15);
}
