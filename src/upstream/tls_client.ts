/** TLS to an upstream's server. */
import type { Socket, SocketHandler, TLSOptions } from 'bun';
import type { RemoteEnd } from '../net/socket.ts';
import type { TlsError } from '../net/tls_failure.ts';

/** For the runtime's sockets: what to offer, and whether to believe the far end. */
export interface TlsClient {
  readonly options: TLSOptions;
  /**
   * For sockets with these options, in place of `remoteHandlers`, to which they hand on: they resume the session of an
   * earlier connection (RFC 8446 §2.2), and give what the far end says against our certificate, after the handshake of
   * TLS 1.3, as a {@link TlsError} to `remoteClose`.
   */
  readonly handlers: SocketHandler<RemoteEnd>;
  /** To be logged once by whoever makes it: what is not verified. */
  readonly warning: string | undefined;
  /**
   * Judges a handshake that is over. To be called in `handshake`, and heeded by `terminate` there: with options that
   * leave it to us, the runtime goes on with whomever it has found.
   * @param completed what the runtime says; false also for a certificate that it doesn't believe
   * @param error what the runtime says of the certificate, or of the handshake; with a resumed session it says so here
   *   alone, and that it is completed
   * @returns why not to go on; undefined: all is well
   */
  judge(socket: Socket<unknown>, completed: boolean, error: Error | null): TlsError | undefined;
}
