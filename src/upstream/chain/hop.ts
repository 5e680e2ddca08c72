/** One tunnel of a chain: it says which server it is spoken with, and so do its errors. */
import type { Span } from '../../../ffi/memory.ts';
import { sessionErrorAt } from '../../net/hop.ts';
import type { Handshake, Outbox, Session, Tunnel } from '../../net/session.ts';

/** @param hop the server's label */
export function tunnelAt(hop: string, { handshake, session }: Tunnel): Tunnel {
  return {
    hop,
    handshake: handshake && new HopHandshake(hop, handshake),
    session: session && new HopSession(hop, session),
  };
}

class HopHandshake implements Handshake {
  readonly hop: string;
  readonly #handshake: Handshake;

  constructor(hop: string, handshake: Handshake) {
    this.hop = hop;
    this.#handshake = handshake;
  }

  begin(out: Outbox): void {
    this.#handshake.begin(out);
  }

  receive(wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean {
    try {
      return this.#handshake.receive(wire, from, to, out, rest);
    } catch (error) {
      throw sessionErrorAt(this.hop, error);
    }
  }

  end(): never {
    try {
      return this.#handshake.end();
    } catch (error) {
      throw sessionErrorAt(this.hop, error);
    }
  }
}

class HopSession implements Session {
  readonly hop: string;
  readonly #session: Session;

  constructor(hop: string, session: Session) {
    this.hop = hop;
    this.#session = session;
  }

  get isPlain(): boolean {
    return this.#session.isPlain === true;
  }

  get isOnTrust(): boolean {
    return this.#session.isOnTrust === true;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    this.#session.seal(plain, from, to, out);
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    try {
      this.#session.open(wire, from, to, out);
    } catch (error) {
      throw sessionErrorAt(this.hop, error);
    }
  }

  openEnd(): void {
    try {
      this.#session.openEnd();
    } catch (error) {
      throw sessionErrorAt(this.hop, error);
    }
  }

  dispose(): void {
    this.#session.dispose();
  }
}
