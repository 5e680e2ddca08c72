/**
 * A TCP connection attempt as a file descriptor. The runtime's own connect gives no handle until it succeeds, so an
 * attempt that nobody answers could not be given up for two minutes; a descriptor can be closed at any time.
 */
import { checked, errno, libc } from './libc.ts';
import { errnoOf, SystemError } from './errno.ts';
import { addressFamily, encodeSockaddr } from './sockaddr.ts';

const SOCK_STREAM = 1;
/** Linux: include/linux/net.h, asm-generic/fcntl.h. */
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EINPROGRESS = errnoOf('EINPROGRESS');

/**
 * Begins to connect, without waiting; the socket does not survive an exec.
 * @param bytes 4 or 16 bytes of address, network order
 * @param scope index of the interface that a link-local address is on; 0 for all others
 * @returns the descriptor, which the caller owns
 * @throws SystemError if the kernel refuses at once (ENETUNREACH, EMFILE …)
 */
export function startConnect(family: 4 | 6, bytes: Uint8Array, port: number, scope = 0): number {
  const sockaddr = encodeSockaddr({ family, bytes, port, scope });
  const fd = checked(
    'socket',
    libc.socket(addressFamily(family), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
  );
  if (libc.connect(fd, sockaddr, sockaddr.length) < 0) {
    const reason = errno();
    if (reason !== EINPROGRESS) {
      libc.close(fd);
      throw new SystemError('connect', reason);
    }
  }
  return fd;
}

/** Closes a descriptor of {@link startConnect} that nobody has taken over. */
export function closeDescriptor(fd: number): void {
  libc.close(fd);
}
