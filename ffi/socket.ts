/** Sockets that don't block and don't survive an exec, on systems that can make them so at once and on one that can't. */
import { settle } from './fcntl.ts';
import { checked, libc } from './libc.ts';

/** <sys/socket.h> */
const SOCK_STREAM = 1;
/** Linux: include/linux/net.h, asm-generic/fcntl.h. */
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** What is between the making of a socket and its flags is synchronous: nobody of this thread can start a program there. */
const AT_ONCE = process.platform !== 'darwin';

/**
 * A stream socket.
 * @param domain AF_…
 * @returns the descriptor, which the caller owns
 * @throws SystemError (EMFILE, EAFNOSUPPORT …)
 */
export function streamSocket(domain: number, atOnce = AT_ONCE): number {
  const [fd] = made(atOnce, (type) => [checked('socket', libc.socket(domain, type, 0))]);
  return fd!;
}

/**
 * Two connected stream sockets: what goes into one comes out of the other.
 * @param cell `int sv[2]`, for C to write to
 */
export function streamSocketPair(
  domain: number,
  cell: Uint8Array<ArrayBuffer>,
  atOnce = AT_ONCE,
): readonly [number, number] {
  const [near, far] = made(atOnce, (type) => {
    checked('socketpair', libc.socketpair(domain, type, 0, cell));
    const view = new DataView(cell.buffer);
    return [view.getInt32(0, true), view.getInt32(4, true)];
  });
  return [near!, far!];
}

function made(atOnce: boolean, make: (type: number) => readonly number[]): readonly number[] {
  if (atOnce) return make(SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
  const sockets = make(SOCK_STREAM);
  try {
    sockets.forEach(settle);
    return sockets;
  } catch (error) {
    for (const fd of sockets) libc.close(fd);
    throw error;
  }
}
