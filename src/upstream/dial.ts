/** Connects to one endpoint; the caller has the socket in its hand from the first moment, and may end it at any. */
import { closeDescriptor, startConnect } from '../../ffi/tcp.ts';
import type { Endpoint } from '../net/address.ts';
import { remoteHandlers, type RemoteEnd } from '../net/socket.ts';
import type { TlsClient } from './tls_client.ts';

/**
 * Begins to connect. `remoteDialled` is called before this returns, with a socket that is still connecting. Its first
 * `remoteDrain`, with TLS its `remoteSecured`, says that it can be used; a `remoteClose` that it can't. `terminate`
 * gives up.
 * @throws SystemError if the kernel refuses at once
 */
export function dial({ address, port }: Endpoint, tls: TlsClient | undefined, end: RemoteEnd): void {
  const fd = startConnect(address.family, address.bytes, port);
  // `fd` is accepted by Bun.connect but missing in its types (Bun 1.4.5).
  const options = {
    fd,
    socket: tls?.handlers ?? remoteHandlers,
    data: end,
    allowHalfOpen: true,
    ...(tls ? { tls: tls.options } : {}),
  } as unknown as Parameters<typeof Bun.connect<RemoteEnd>>[0];
  try {
    // The promise resolves at `open`, which has run by then; failures come as `close`.
    Bun.connect<RemoteEnd>(options).catch(() => {});
  } catch (error) {
    // It was not adopted, e.g. for options of TLS that are none.
    closeDescriptor(fd);
    throw error;
  }
}
