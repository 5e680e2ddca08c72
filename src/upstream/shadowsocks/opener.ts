/** One direction of a connection, opening: `salt`, then records of `[length][tag] [payload][tag]` (SIP004, TCP). */
import { pinForever, type Pinned, type Span } from '../../../ffi/memory.ts';
import { SessionError, type Outbox } from '../../net/session.ts';
import { giveBack, takeCarry } from './carry.ts';
import { subkey } from './key.ts';
import { RECORD_LIMIT, TAG_SIZE } from './methods.ts';
import type { Suite } from './suite.ts';

const LENGTH_SIZE = 2;
/** The plaintext of a length record. */
const lengthCell = pinForever(LENGTH_SIZE);

export class Opener {
  readonly #suite: Suite;
  #key: Uint8Array | undefined;
  #sequence = 0;
  /** Bytes of payload in the record whose length has been read; 0: a length record comes next. */
  #payload = 0;
  /** The incomplete element at the end of the last piece, if `#held` is not 0. */
  #carry: Pinned | undefined;
  #held = 0;

  constructor(suite: Suite) {
    this.#suite = suite;
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
  }

  /** Gives back the carry. The opener may not be used any more. */
  dispose(): void {
    this.#release();
  }

  /** Bytes of what must come next as a whole: the salt, a length record, a payload record. */
  #elementSize(): number {
    if (!this.#key) return this.#suite.method.saltSize;
    return (this.#payload || LENGTH_SIZE) + TAG_SIZE;
  }

  /** Reads the element that begins at `at`; all its bytes are there. */
  #element(src: Span, at: number, out: Outbox): void {
    const { aead, method, masterKey } = this.#suite;
    const key = this.#key;
    if (!key) {
      this.#key = subkey(masterKey, src.bytes.slice(at, at + method.saltSize));
    } else if (this.#payload === 0) {
      if (!aead.open(key, this.#sequence++, src, at, LENGTH_SIZE, lengthCell, 0)) throw unauthentic();
      this.#payload = checkedLength((lengthCell.bytes[0]! << 8) | lengthCell.bytes[1]!);
    } else {
      if (!aead.open(key, this.#sequence++, src, at, this.#payload, out, out.end)) throw unauthentic();
      out.take(this.#payload);
      this.#payload = 0;
    }
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

/**
 * The two top bits are reserved and must be zero (SIP004). An empty record means nothing, no client or server sends
 * one, and a stream of them would be work without end: shadowsocks-libev refuses it, so do we.
 */
function checkedLength(length: number): number {
  if (length > 0 && length <= RECORD_LIMIT) return length;
  throw new SessionError('ERR_PROTOCOL', `a record of ${length} bytes; 1 to ${RECORD_LIMIT} are allowed`);
}
