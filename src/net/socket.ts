/** What the runtime's sockets don't offer by themselves. */
import type { Socket } from 'bun';
import { resetOnClose } from '../../ffi/sockopt.ts';

/** The file descriptor of an open socket: there, but missing in the types (Bun 1.4.5). */
export function descriptor(socket: Socket<unknown>): number {
  return (socket as unknown as { readonly fd: number }).fd;
}

/**
 * From here on the socket's end is a reset for its peer, also if this process is killed: the peer learns at once that
 * nothing more comes. {@link endInOrder} is the only other way.
 *
 * A killed process closes its descriptors in the reverse order of their numbers (the kernel defers each close to a list
 * that it works off from the end; seen on Linux 6.18), so the netlink socket that owns the rules, opened before any
 * connection, goes last: the resets still pass through its translation and reach the programs.
 * @throws SystemError if the socket is closed already
 */
export function resetUnlessEnded(socket: Socket<unknown>): void {
  resetOnClose(descriptor(socket), true);
}

/** Ends a socket whose bytes and FIN have all been handed to the kernel: they still arrive. */
export function endInOrder(socket: Socket<unknown>): void {
  const fd = descriptor(socket);
  // A socket that has closed by itself meanwhile has no descriptor any more.
  if (fd >= 0) resetOnClose(fd, false);
  socket.end();
}
