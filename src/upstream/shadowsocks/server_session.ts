/** The server's end of one Shadowsocks connection: what the client sealed says first where it wants to go. */
import type { Span } from '../../../ffi/memory.ts';
import { SessionError, type Outbox, type Session } from '../../net/session.ts';
import { parseTarget, type Target } from './address.ts';
import { Opener } from './opener.ts';
import { Sealer } from './sealer.ts';
import type { Suite } from './suite.ts';

/** `open` takes the client's bytes, `seal` gives those for the client. */
export class ServerSession implements Session {
  readonly #sealer: Sealer;
  readonly #opener: Opener;
  #target: Target | undefined;
  /** The beginning of a target that came split over records, at most 258 bytes. */
  #partial: Uint8Array | undefined;

  constructor(suite: Suite) {
    this.#sealer = new Sealer(suite);
    this.#opener = new Opener(suite);
  }

  /** Where the client wants to go; undefined until `open` has seen all of it. */
  get target(): Target | undefined {
    return this.#target;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    this.#sealer.seal(plain, from, to, out);
  }

  /**
   * Appends what is for the target; nothing before `target` is known.
   * @throws SessionError also ERR_PROTOCOL, for a target that is none
   */
  open(wire: Span, from: number, to: number, out: Outbox): void {
    const start = out.end;
    this.#opener.open(wire, from, to, out);
    if (!this.#target && out.end > start) this.#readTarget(out, start);
  }

  /** @throws SessionError also if the client ends within its target. To end before the first byte is no error. */
  openEnd(): void {
    this.#opener.end();
    if (this.#partial) throw new SessionError('ERR_TRUNCATED', 'the stream ended within the target address');
  }

  dispose(): void {
    this.#opener.dispose();
  }

  /** Takes the target out of what was appended from `start` on. */
  #readTarget(out: Outbox, start: number): void {
    const fresh = out.bytes.subarray(start, out.end);
    const before = this.#partial?.length ?? 0;
    const all = this.#partial ? joined(this.#partial, fresh) : fresh;
    const parsed = parseTarget(all);
    if (parsed) {
      this.#target = parsed.target;
      this.#partial = undefined;
      out.bytes.copyWithin(start, start + parsed.size - before, out.end);
      out.end -= parsed.size - before;
    } else {
      this.#partial = all.slice();
      out.end = start;
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
