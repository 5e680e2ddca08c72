/** A session spoken within another: sealed by the inner one first, then by the outer; opened the other way round. */
import type { Span } from '../../../ffi/memory.ts';
import { PIECE, type Outbox, type Session } from '../../net/session.ts';
import { unheardOf, type Heard } from './heard.ts';
import { giveBack, takeScratch } from './scratch.ts';

export class ChainedSession implements Session {
  readonly #outer: Session;
  readonly #inner: Session | undefined;
  readonly #heard: Heard;

  /** @param inner undefined: only a handshake was spoken through the outer one */
  constructor(outer: Session, inner: Session | undefined, heard: Heard) {
    this.#outer = outer;
    this.#inner = inner;
    this.#heard = heard;
  }

  get hop(): string | undefined {
    return unheardOf(this.#heard, this.#outer, this.#inner?.hop);
  }

  /** True before the first `seal`, too, if the inner handshake has had the outer one's header sent. */
  get isPlain(): boolean {
    return this.#outer.isPlain === true && (this.#inner === undefined || this.#inner.isPlain === true);
  }

  /** An inner handshake was answered, so that the outer server believes us and has reached the inner one. */
  get isOnTrust(): boolean {
    return this.#inner?.isOnTrust === true;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    const outer = this.#outer;
    const inner = this.#inner;
    if (inner === undefined || inner.isPlain === true) return outer.seal(plain, from, to, out);
    if (outer.isPlain === true) return inner.seal(plain, from, to, out);
    const sealed = takeScratch();
    try {
      inner.seal(plain, from, to, sealed);
      // Also where that gave nothing: the outer one's header may still have to go.
      for (let at = 0; at === 0 || at < sealed.end; at += PIECE)
        outer.seal(sealed, at, Math.min(at + PIECE, sealed.end), out);
    } finally {
      giveBack(sealed);
    }
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    const outer = this.#outer;
    const inner = this.#inner;
    if (inner === undefined || inner.isPlain === true) return outer.open(wire, from, to, out);
    if (outer.isPlain === true) {
      this.#heard.ofInner = true;
      return inner.open(wire, from, to, out);
    }
    const opened = takeScratch();
    try {
      try {
        outer.open(wire, from, to, opened);
      } finally {
        this.#heard.ofInner ||= opened.end > 0;
        // What came before a bad record is good; and what is wrong with that was wrong first.
        for (let at = 0; at < opened.end; at += PIECE)
          inner.open(opened, at, Math.min(at + PIECE, opened.end), out);
      }
    } finally {
      giveBack(opened);
    }
  }

  openEnd(): void {
    this.#outer.openEnd();
    this.#inner?.openEnd();
  }

  dispose(): void {
    this.#outer.dispose();
    this.#inner?.dispose();
  }
}
