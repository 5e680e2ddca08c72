/** Connects to one endpoint; the caller has the socket in its hand from the first moment, and may end it at any. */
import type { SocketHandler } from 'bun';
import { startConnect } from '../../ffi/tcp.ts';
import type { Endpoint } from '../net/address.ts';
import { interfaceIndex } from '../net/interface_index.ts';

/**
 * Begins to connect. `handlers.open` is called at once with a socket that is still connecting; its first `drain`
 * says that it is connected, a `close` with an error that it is not. `terminate` gives up.
 * @throws SystemError if the kernel refuses at once
 */
export function dial<T>({ address, port }: Endpoint, handlers: SocketHandler<T>, data: T): void {
  const scope = address.zone === undefined ? 0 : interfaceIndex(address.zone);
  const fd = startConnect(address.family, address.bytes, port, scope);
  // `fd` is accepted by Bun.connect but missing in its types (Bun 1.4.5). The promise resolves at `open`, which has
  // run by then; failures come as `close`.
  const options = { fd, socket: handlers, data, allowHalfOpen: true } as unknown as Parameters<
    typeof Bun.connect<T>
  >[0];
  Bun.connect<T>(options).catch(() => {});
}
