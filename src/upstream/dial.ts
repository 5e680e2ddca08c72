/** Connects to one endpoint; the caller has the socket in its hand from the first moment, and may end it at any. */
import { startConnect } from '../../ffi/tcp.ts';
import { adopt } from '../net/adopt.ts';
import type { Endpoint } from '../net/address.ts';
import { remoteHandlers, type RemoteEnd } from '../net/socket.ts';
import type { TlsClient } from './tls_client.ts';
import { interfaceIndex } from '../net/interface_index.ts';

/**
 * Begins to connect. `remoteDialled` is called before this returns, with a socket that is still connecting. Its first
 * `remoteDrain`, with TLS its `remoteSecured`, says that it can be used; a `remoteClose` that it can't. `terminate`
 * gives up.
 * @throws SystemError if the kernel refuses at once
 */
export function dial({ address, port }: Endpoint, tls: TlsClient | undefined, end: RemoteEnd): void {
  const scope = address.zone === undefined ? 0 : interfaceIndex(address.zone);
  adoptRemote(startConnect(address.family, address.bytes, port, scope), tls, end);
}

/**
 * The same for a stream socket that is connected already.
 * @param fd belongs to the runtime's socket from here on, whatever becomes of it
 */
export function adoptRemote(fd: number, tls: TlsClient | undefined, end: RemoteEnd): void {
  adopt(fd, tls?.handlers ?? remoteHandlers, end, tls?.options);
}
