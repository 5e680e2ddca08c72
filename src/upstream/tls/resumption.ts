/**
 * The session of the last connection to a server, for the next one (RFC 8446 §2.2): it saves the server a signature and
 * both the certificates; with TLS 1.2 a round trip as well. What was verified goes along with it: a resumed session is
 * judged like any other, by the certificate of the first.
 */
import type { Socket } from 'bun';

export class Resumption {
  #latest: Buffer | undefined;
  readonly #believed = new WeakSet<Socket<unknown>>();

  /** To be called in `open`: later it is ignored. */
  offer(socket: Socket<unknown>): void {
    if (this.#latest) socket.setSession(this.#latest);
  }

  /** Several connections may take the same one: servers that mind begin a new session with them. */
  keep(session: Buffer): void {
    this.#latest = session;
  }

  believed(socket: Socket<unknown>): void {
    this.#believed.add(socket);
  }

  closed(socket: Socket<unknown>): void {
    // It may have been the session that the server didn't like.
    if (!this.#believed.has(socket)) this.forget();
  }

  /** Nor must a certificate that was refused be found in each session that is resumed from then on. */
  forget(): void {
    this.#latest = undefined;
  }
}
