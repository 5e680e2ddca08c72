/** Two connected sockets of this process: what goes into one comes out of the other. */
import { checked, libc } from './libc.ts';
import { pinForever } from './memory.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** Linux: include/linux/net.h, asm-generic/fcntl.h. */
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** `int sv[2]` */
const cell = pinForever(8).bytes;

/**
 * A pair of stream sockets that don't block and don't survive an exec.
 * @returns the descriptors, which the caller owns
 * @throws SystemError if there is no room for them (EMFILE …)
 */
export function socketPair(): readonly [number, number] {
  checked('socketpair', libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, cell));
  const view = new DataView(cell.buffer);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}
