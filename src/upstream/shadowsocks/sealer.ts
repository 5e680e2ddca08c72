/**
 * One direction of a connection, sealing: a salt, then records of `[head][tag] [payload][tag]`. A head is the payload's
 * length; what the first one has besides, and what stands before it, is the edition's (SIP004, SIP022 §3.1).
 */
import { pinForever, type Span } from '../../../ffi/memory.ts';
import type { Outbox } from '../../net/session.ts';
import { TAG_SIZE } from './methods.ts';
import type { Suite } from './suite.ts';

/** How a direction starts, for who seals it. */
export interface SealerStart {
  /** Appends the salt, and what else goes before the records. @returns their key; its identity counts */
  salt(out: Outbox): Uint8Array;
  /** Writes what the first head has before the length. @returns how many bytes, at most {@link HEAD_LIMIT} */
  head?(into: Uint8Array): number;
  /**
   * Writes what goes before the payload in the first record, which is sent without payload, too, if there is none.
   * @param payload bytes that are at hand
   * @returns how many bytes
   */
  prefix?(into: Uint8Array, payload: number): number;
}

const LENGTH_SIZE = 2;
/** Type, time, and the longest salt (SIP022 §3.1.3). */
const HEAD_LIMIT = 1 + 8 + 32;

/** The plaintext of a head. */
const headCell = pinForever(HEAD_LIMIT + LENGTH_SIZE);
/** The plaintext of a first record: a prefix and the payload behind it must be in one piece. */
const firstRecord = pinForever(0xffff);

export class Sealer {
  readonly #suite: Suite;
  #start: SealerStart | undefined;
  #key: Uint8Array | undefined;
  #sequence = 0;

  constructor(suite: Suite, start: SealerStart) {
    this.#suite = suite;
    this.#start = start;
  }

  /**
   * Appends the records for `plain[from..to)`. The first output begins with the salt, so it comes as one piece: salt,
   * prefix, payload. An empty range gives nothing, except for a prefix that has not gone out yet.
   */
  seal(plain: Span, from: number, to: number, out: Outbox): void {
    let at = from;
    if (this.#start) {
      if (from === to && !this.#start.prefix) return;
      at = this.#first(this.#start, plain, from, to, out);
      this.#start = undefined;
    }
    while (at < to) {
      const length = Math.min(to - at, this.#suite.recordLimit);
      this.#record(0, plain, at, length, out);
      at += length;
    }
  }

  /** @returns where the payload goes on that did not fit into the first record */
  #first(start: SealerStart, plain: Span, from: number, to: number, out: Outbox): number {
    const { recordLimit } = this.#suite;
    this.#key = start.salt(out);
    const head = start.head?.(headCell.bytes) ?? 0;
    if (!start.prefix) {
      const end = Math.min(to, from + recordLimit);
      this.#record(head, plain, from, end - from, out);
      return end;
    }
    const prefix = start.prefix(firstRecord.bytes, to - from);
    const end = Math.min(to, from + recordLimit - prefix);
    firstRecord.bytes.set(plain.bytes.subarray(from, end), prefix);
    this.#record(head, firstRecord, 0, prefix + end - from, out);
    return end;
  }

  /** @param head bytes of the head before the length; they are in the cell */
  #record(head: number, src: Span, from: number, length: number, out: Outbox): void {
    const { aead } = this.#suite;
    const key = this.#key!;
    const headSize = head + LENGTH_SIZE;
    const headAt = out.take(headSize + TAG_SIZE + length + TAG_SIZE);
    headCell.bytes[head] = length >>> 8;
    headCell.bytes[head + 1] = length & 0xff;
    aead.seal(key, this.#sequence++, headCell, 0, headSize, out, headAt);
    aead.seal(key, this.#sequence++, src, from, length, out, headAt + headSize + TAG_SIZE);
  }
}
