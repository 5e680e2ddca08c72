/** Two connected sockets of this process: what goes into one comes out of the other. */
import { pinForever } from './memory.ts';
import { streamSocketPair } from './socket.ts';

const AF_UNIX = 1;

/** `int sv[2]` */
const cell = pinForever(8).bytes;

/**
 * A pair of stream sockets that don't block and don't survive an exec.
 * @returns the descriptors, which the caller owns
 * @throws SystemError if there is no room for them (EMFILE …)
 */
export function socketPair(): readonly [number, number] {
  return streamSocketPair(AF_UNIX, cell);
}
