/** One direction of a connection, opening: see sealer.ts for what comes. */
import { pinForever, type Pinned, type Span } from '../../../ffi/memory.ts';
import { SessionError, type Outbox } from '../../net/session.ts';
import { giveBack, takeCarry } from './carry.ts';
import { TAG_SIZE } from './methods.ts';
import type { Suite } from './suite.ts';

/** How a direction starts, for who opens it. */
export interface OpenerStart {
  /** Bytes before the first head: the salt, and what belongs to it. */
  readonly prefaceSize: number;
  /** Bytes of the first head's plaintext, with the length that it ends in. */
  readonly headSize: number;
  /** @param preface a copy @returns the key of the records. @throws SessionError ERR_AEAD if there is none for it */
  keyOf(preface: Uint8Array): Uint8Array;
  /** Judges the first head, which is authentic. @param preface as above @throws SessionError */
  check?(head: Uint8Array, preface: Uint8Array): void;
  /**
   * Takes out of the first records' payload, in `out` from `start` on, what is no payload.
   * @returns whether that was all of it; false: the next record is shown, too
   * @throws SessionError
   */
  strip?(out: Outbox, start: number): boolean;
}

const LENGTH_SIZE = 2;
/** The plaintext of a head: type, time, the longest salt, length (SIP022 §3.1.3). */
const headCell = pinForever(1 + 8 + 32 + LENGTH_SIZE);

export class Opener {
  readonly #suite: Suite;
  /** Until all of it has come. */
  #start: OpenerStart | undefined;
  #key: Uint8Array | undefined;
  #sequence = 0;
  /** Bytes of payload in the record whose head has been read; 0: a head comes next. */
  #payload = 0;
  /** The incomplete element at the end of the last piece, if `#held` is not 0. */
  #carry: Pinned | undefined;
  #held = 0;

  constructor(suite: Suite, start: OpenerStart) {
    this.#suite = suite;
    this.#start = start;
  }

  /**
   * Appends the payload of all records that are complete with `wire[from..to)`.
   * @throws SessionError ERR_AEAD, ERR_PROTOCOL; what went into `out` before the bad record is good
   */
  open(wire: Span, from: number, to: number, out: Outbox): void {
    let at = from;
    if (this.#carry) {
      const size = this.#elementSize();
      at = this.#hold(this.#carry, wire, from, Math.min(to, from + size - this.#held));
      if (this.#held < size) return;
      this.#element(this.#carry, 0, out);
      this.#release();
    }
    for (let size = this.#elementSize(); size <= to - at; size = this.#elementSize()) {
      this.#element(wire, at, out);
      at += size;
    }
    if (at < to) {
      this.#carry = takeCarry(this.#elementSize());
      this.#hold(this.#carry, wire, at, to);
    }
  }

  /** @throws SessionError ERR_TRUNCATED if the stream may not end here */
  end(): void {
    // Not even a salt is an end, too: a server that could not reach the target, or did not accept our password, does that.
    if (this.#held > 0 || this.#payload > 0)
      throw new SessionError('ERR_TRUNCATED', 'the stream ended within a record');
    if (this.#key && this.#start)
      throw new SessionError('ERR_TRUNCATED', 'the stream ended within the target address');
  }

  /** Gives back the carry. The opener may not be used any more. */
  dispose(): void {
    this.#release();
  }

  /**
   * Bytes of what must come next as a whole: a head, with what is before the first, or a payload. The first head is
   * judged with its salt in one go, so a peer never sees how far it was read (SIP022 §3.1.3, "Detection Prevention").
   */
  #elementSize(): number {
    if (!this.#key) return this.#start!.prefaceSize + this.#start!.headSize + TAG_SIZE;
    return (this.#payload || LENGTH_SIZE) + TAG_SIZE;
  }

  /** Reads the element that begins at `at`; all its bytes are there. */
  #element(src: Span, at: number, out: Outbox): void {
    const { aead } = this.#suite;
    const key = this.#key;
    if (!key) {
      this.#first(this.#start!, src, at);
    } else if (this.#payload === 0) {
      this.#payload = this.#checked(this.#head(key, src, at, LENGTH_SIZE));
    } else {
      const start = out.end;
      if (!aead.open(key, this.#sequence++, src, at, this.#payload, out, start)) throw unauthentic();
      out.take(this.#payload);
      this.#payload = 0;
      if (this.#start?.strip!(out, start)) this.#start = undefined;
    }
  }

  #first(start: OpenerStart, src: Span, at: number): void {
    const headAt = at + start.prefaceSize;
    const preface = src.bytes.slice(at, headAt);
    const key = start.keyOf(preface);
    this.#key = key;
    const length = this.#head(key, src, headAt, start.headSize);
    start.check?.(headCell.bytes.subarray(0, start.headSize), preface);
    this.#payload = this.#checked(length);
    if (!start.strip) this.#start = undefined;
  }

  /** Opens a head into the cell. @returns the length that it ends in */
  #head(key: Uint8Array, src: Span, at: number, size: number): number {
    if (!this.#suite.aead.open(key, this.#sequence++, src, at, size, headCell, 0)) throw unauthentic();
    return (headCell.bytes[size - 2]! << 8) | headCell.bytes[size - 1]!;
  }

  /**
   * An empty record means nothing, no client or server sends one, and a stream of them would be work without end:
   * shadowsocks-libev refuses it, so do we.
   */
  #checked(length: number): number {
    const { recordLimit } = this.#suite;
    if (length > 0 && length <= recordLimit) return length;
    throw new SessionError('ERR_PROTOCOL', `a record of ${length} bytes; 1 to ${recordLimit} are allowed`);
  }

  /** Copies `wire[from..to)` behind what is held. @returns `to` */
  #hold(carry: Pinned, wire: Span, from: number, to: number): number {
    carry.bytes.set(wire.bytes.subarray(from, to), this.#held);
    this.#held += to - from;
    return to;
  }

  #release(): void {
    if (this.#carry) giveBack(this.#carry);
    this.#carry = undefined;
    this.#held = 0;
  }
}

function unauthentic(): SessionError {
  return new SessionError('ERR_AEAD', 'a record does not authenticate', {
    hint: 'wrong password or method, or the data was changed on the way',
  });
}
