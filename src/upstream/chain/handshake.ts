/** Handshakes one after the other: the outer tunnel's, then the inner one's, spoken through the outer tunnel. */
import type { Span } from '../../../ffi/memory.ts';
import {
  PIECE,
  SessionError,
  type Handshake,
  type Outbox,
  type Session,
  type Tunnel,
} from '../../net/session.ts';
import { unheardOf, type Heard } from './heard.ts';
import { giveBack, takeScratch } from './scratch.ts';
import { ofServer } from './server_refusal.ts';

/** At least one of the two has a handshake. What either of them gives as `rest`, its own session has opened already. */
export class ChainedHandshake implements Handshake {
  readonly #outer: Tunnel;
  readonly #inner: Tunnel;
  readonly #heard: Heard;
  #isOuterOpen: boolean;

  constructor(outer: Tunnel, inner: Tunnel, heard: Heard) {
    this.#outer = outer;
    this.#inner = inner;
    this.#heard = heard;
    this.#isOuterOpen = outer.handshake === undefined;
  }

  get hop(): string | undefined {
    if (!this.#isOuterOpen) return this.#outer.handshake!.hop;
    return unheardOf(this.#heard, this.#outer.session, this.#inner.handshake?.hop);
  }

  begin(out: Outbox): void {
    if (this.#isOuterOpen) this.#beginInner(out);
    else this.#outer.handshake!.begin(out);
  }

  receive(wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean {
    const { session } = this.#outer;
    if (this.#isOuterOpen && !session) return this.#receiveInner(wire, from, to, out, rest);
    const opened = takeScratch();
    try {
      if (this.#isOuterOpen) return this.#receiveOpened(session!, wire, from, to, opened, out, rest);
      if (!this.#receiveOuter(wire, from, to, out, opened)) return false;
      this.#isOuterOpen = true;
      this.#beginInner(out);
      return this.#receiveInner(opened, 0, opened.end, out, rest);
    } finally {
      giveBack(opened);
    }
  }

  end(): never {
    if (!this.#isOuterOpen) return this.#outer.handshake!.end();
    this.#outer.session?.openEnd();
    const { hop } = this;
    // Without one, it was over when the outer one was.
    const handshake = this.#inner.handshake!;
    if (hop !== handshake.hop) throw new SessionError('ERR_PROXY_CLOSED', `${hop}: closed`, { hop });
    return handshake.end();
  }

  #receiveOuter(wire: Span, from: number, to: number, out: Outbox, opened: Outbox): boolean {
    try {
      return this.#outer.handshake!.receive(wire, from, to, out, opened);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      const status = ofServer(error.status);
      if (status === error.status) throw error;
      const { message, hint, cause } = error;
      const { hop } = this.#inner;
      const said = hop === undefined ? message : `${hop}: not reached: ${message}`;
      throw new SessionError(status, said, { hint, cause, hop });
    }
  }

  /** Through the outer session. @param opened for what comes of it */
  #receiveOpened(
    session: Session,
    wire: Span,
    from: number,
    to: number,
    opened: Outbox,
    out: Outbox,
    rest: Outbox,
  ): boolean {
    let isOver = false;
    try {
      session.open(wire, from, to, opened);
    } finally {
      this.#heard.ofInner ||= opened.end > 0;
      // What came before a bad record is good; and what is wrong with that was wrong first.
      isOver = this.#receiveInner(opened, 0, opened.end, out, rest);
    }
    return isOver;
  }

  #beginInner(out: Outbox): void {
    if (!this.#inner.handshake) return;
    const said = takeScratch();
    try {
      this.#inner.handshake.begin(said);
      this.#say(said, out);
    } finally {
      giveBack(said);
    }
  }

  /** What is behind the end of the inner handshake goes the way of all later bytes: to the inner session. */
  #receiveInner(wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean {
    const { handshake } = this.#inner;
    if (!handshake) {
      this.#openInner(wire, from, to, rest);
      return true;
    }
    for (let at = from; at < to; at += PIECE) {
      const end = Math.min(at + PIECE, to);
      if (!this.#answered(handshake, wire, at, end, out, rest)) continue;
      this.#openInner(wire, end, to, rest);
      return true;
    }
    return false;
  }

  #answered(handshake: Handshake, wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean {
    const said = takeScratch();
    try {
      const isOver = handshake.receive(wire, from, to, said, rest);
      if (said.end > 0) this.#say(said, out);
      return isOver;
    } finally {
      giveBack(said);
    }
  }

  #openInner(wire: Span, from: number, to: number, rest: Outbox): void {
    const { session } = this.#inner;
    if (!session) return rest.append(wire.bytes.subarray(from, to));
    for (let at = from; at < to; at += PIECE) session.open(wire, at, Math.min(at + PIECE, to), rest);
  }

  /** Through the outer session, which puts its header before the first words, or sends it alone where these are none. */
  #say(said: Outbox, out: Outbox): void {
    const { session } = this.#outer;
    if (!session) return out.append(said.bytes.subarray(0, said.end));
    for (let at = 0; at === 0 || at < said.end; at += PIECE)
      session.seal(said, at, Math.min(at + PIECE, said.end), out);
  }
}
