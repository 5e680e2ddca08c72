/**
 * A TCP connection attempt as a file descriptor. The runtime's own connect gives no handle until it succeeds, so an
 * attempt that nobody answers could not be given up for two minutes; a descriptor can be closed at any time.
 */
import { errno, libc } from './libc.ts';
import { errnoOf, SystemError } from './errno.ts';
import { addressFamily, encodeSockaddr, type SocketAddress } from './sockaddr.ts';
import { streamSocket } from './socket.ts';

const EINPROGRESS = errnoOf('EINPROGRESS');

/**
 * A socket that is not connected yet, of the group that this process has now, whatever becomes of that later. It doesn't
 * block and does not survive an exec.
 * @returns the descriptor, which the caller owns
 * @throws SystemError (EMFILE; EAFNOSUPPORT where this machine lacks the family)
 */
export function openTcp(family: 4 | 6): number {
  return streamSocket(addressFamily(family));
}

/**
 * Begins to connect a descriptor of {@link openTcp}, without waiting.
 * @throws SystemError if the kernel refuses at once (ENETUNREACH …); RangeError for an address that is none
 */
export function beginConnect(fd: number, address: SocketAddress): void {
  const sockaddr = encodeSockaddr(address);
  if (libc.connect(fd, sockaddr, sockaddr.length) < 0) {
    const reason = errno();
    if (reason !== EINPROGRESS) throw new SystemError('connect', reason);
  }
}

/**
 * Begins to connect, without waiting; the socket does not survive an exec.
 * @param bytes 4 or 16 bytes of address, network order
 * @param scope index of the interface that a link-local address is on; 0 for all others
 * @returns the descriptor, which the caller owns
 * @throws SystemError if the kernel refuses at once (ENETUNREACH, EMFILE …)
 */
export function startConnect(family: 4 | 6, bytes: Uint8Array, port: number, scope = 0): number {
  const fd = openTcp(family);
  try {
    beginConnect(fd, { family, bytes, port, scope });
    return fd;
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}

/** Closes a descriptor of this file that nobody has taken over. */
export function closeDescriptor(fd: number): void {
  libc.close(fd);
}
