/** From a descriptor of ours to a socket of the runtime. */
import type { SocketHandler, TLSOptions } from 'bun';
import { closeDescriptor } from '../../ffi/tcp.ts';

/**
 * Has the runtime take over a stream socket that is connected, or is about to be. `open` is called before this
 * returns; for one that is still connecting the first `drain` says that it is connected.
 * @param fd is closed if the runtime doesn't take it
 * @throws TypeError for options of TLS that are none
 */
export function adopt<Data>(fd: number, socket: SocketHandler<Data>, data: Data, tls?: TLSOptions): void {
  // `fd` is accepted by Bun.connect but missing in its types (Bun 1.4.5).
  const options = {
    fd,
    socket,
    data,
    allowHalfOpen: true,
    ...(tls ? { tls } : {}),
  } as unknown as Parameters<typeof Bun.connect<Data>>[0];
  try {
    // The promise resolves at `open`, which has run by then; failures come as `close`.
    Bun.connect<Data>(options).catch(() => {});
  } catch (error) {
    closeDescriptor(fd);
    throw error;
  }
}
