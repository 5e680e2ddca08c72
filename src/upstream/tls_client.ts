/** TLS to an upstream's server. */
import type { Socket, TLSOptions } from 'bun';
import type { SnetError } from '../base/errors.ts';

/** For the runtime's sockets: what to offer, and whether to believe the far end. */
export interface TlsClient {
  readonly options: TLSOptions;
  /**
   * Judges a handshake that is over.
   * @param completed what the runtime says; false also for a certificate that it doesn't believe
   * @param error what the runtime says of the certificate, or of the handshake
   * @returns why not to go on; undefined: all is well
   */
  judge(
    socket: Socket<unknown>,
    completed: boolean,
    error: Error | null,
  ): SnetError<'ERR_TLS' | 'ERR_TLS_CERTIFICATE'> | undefined;
}
