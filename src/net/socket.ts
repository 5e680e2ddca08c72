/** What the runtime's sockets don't offer by themselves, and who hears of those that we dial. */
import type { Socket, SocketHandler } from 'bun';
import { resetOnClose } from '../../ffi/sockopt.ts';

/**
 * Who hears of a socket that we have dialled. It is the socket's `data`, and may be replaced by another at any time:
 * first whoever opens the tunnel, then whoever carries bytes through it.
 */
export interface RemoteEnd {
  /** The attempt has begun: the socket can be ended, not yet used. */
  remoteDialled(socket: RemoteSocket): void;
  /** TLS is agreed on, or not; see TlsClient.judge. */
  remoteSecured(socket: RemoteSocket, completed: boolean, error: Error | null): void;
  remoteData(socket: RemoteSocket, chunk: Uint8Array): void;
  /** The far side has sent its FIN. */
  remoteEnd(socket: RemoteSocket): void;
  /** It can be written to; without TLS the first time says that it is connected. */
  remoteDrain(socket: RemoteSocket): void;
  /** It is closed. Before it was connected, the error says why it is not. */
  remoteClose(socket: RemoteSocket, error?: Error): void;
  /** A handler of ours has thrown. */
  remoteFault(socket: RemoteSocket, error: Error): void;
}

export type RemoteSocket = Socket<RemoteEnd>;

/** The runtime's callbacks, handed on to the socket's {@link RemoteEnd}. One object for all sockets. */
export const remoteHandlers: SocketHandler<RemoteEnd> = {
  open: (socket) => socket.data.remoteDialled(socket),
  handshake: (socket, completed, error) => socket.data.remoteSecured(socket, completed, error),
  data: (socket, chunk) => socket.data.remoteData(socket, chunk),
  end: (socket) => socket.data.remoteEnd(socket),
  drain: (socket) => socket.data.remoteDrain(socket),
  close: (socket, error) => socket.data.remoteClose(socket, error),
  error: (socket, error) => socket.data.remoteFault(socket, error),
};

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

/**
 * Ends a socket, with a FIN (in TLS, close_notify before it), and is rid of it at once. After `end` alone, a peer of TLS
 * that doesn't end its own direction keeps it for as long as it likes (Bun 1.4.5).
 */
export function hangUp(socket: Socket<unknown>): void {
  socket.shutdown(true);
  socket.end();
}
