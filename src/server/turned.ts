/**
 * The server's end of a session, turned round for the relay: what it seals came from the client and goes to the target as
 * it is; what it opens came from the target and is sealed for the client.
 */
import type { Span } from '../../ffi/memory.ts';
import { SessionError, type Outbox, type Session } from '../net/session.ts';
import type { FarSession } from './far_session.ts';

export class Turned implements Session {
  /**
   * What the client has said that no honest client says. Nothing of it is passed on from there, and nothing else
   * changes: to end now would tell whoever changes bytes on the way how far they were read.
   */
  failure: SessionError | undefined;
  readonly #far: FarSession;
  /** What was opened when the target was not known yet; it goes before all else. */
  #first: Uint8Array | undefined;
  #bytesDown = 0;

  constructor(far: FarSession, first: Uint8Array) {
    this.#far = far;
    this.#first = first;
  }

  seal(wire: Span, from: number, to: number, out: Outbox): void {
    if (this.#first) {
      out.append(this.#first);
      this.#first = undefined;
    }
    if (this.failure) return;
    try {
      this.#far.open(wire, from, to, out);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.failure = error;
    }
  }

  open(plain: Span, from: number, to: number, out: Outbox): void {
    this.#bytesDown += to - from;
    this.#far.seal(plain, from, to, out);
  }

  /** A target may end wherever it likes. */
  openEnd(): void {}

  /** The client has ended its direction. What is cut off there is a {@link failure}, too. */
  clientEnd(): void {
    if (this.failure || this.isPlain) return;
    try {
      this.#far.openEnd();
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.failure = error;
    }
  }

  get isPlain(): boolean {
    return this.#far.isPlain === true && this.#first === undefined;
  }

  /** Bytes of the target's that went to the client. @param sent bytes on the client's socket, which are more if sealed */
  bytesDown(sent: number): number {
    return this.isPlain ? sent : this.#bytesDown;
  }

  dispose(): void {
    this.#far.dispose();
  }
}
