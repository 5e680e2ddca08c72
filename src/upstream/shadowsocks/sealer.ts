/** One direction of a connection, sealing: `salt`, then records of `[length][tag] [payload][tag]` (SIP004, TCP). */
import { pinForever, type Span } from '../../../ffi/memory.ts';
import type { Outbox } from '../../net/session.ts';
import { subkey } from './key.ts';
import { RECORD_LIMIT, TAG_SIZE } from './methods.ts';
import type { Suite } from './suite.ts';

const LENGTH_SIZE = 2;
/** The plaintext of a length record. */
const lengthCell = pinForever(LENGTH_SIZE);
/** The plaintext of a first record: a prefix and the payload behind it must be in one piece. */
const firstRecord = pinForever(RECORD_LIMIT);

export class Sealer {
  readonly #suite: Suite;
  #prefix: Uint8Array | undefined;
  #key: Uint8Array | undefined;
  #sequence = 0;

  /** @param prefix goes before the payload, in the first record: a client's target address, at most 259 bytes */
  constructor(suite: Suite, prefix?: Uint8Array) {
    this.#suite = suite;
    this.#prefix = prefix;
  }

  /**
   * Appends the records for `plain[from..to)`. The first output begins with the salt, so it comes as one piece: salt,
   * prefix, payload. An empty range gives nothing, except for a prefix that has not gone out yet.
   */
  seal(plain: Span, from: number, to: number, out: Outbox): void {
    let at = from;
    if (!this.#key) {
      if (from === to && !this.#prefix) return;
      const { method, masterKey, fillSalt } = this.#suite;
      const saltAt = out.take(method.saltSize);
      const salt = out.bytes.subarray(saltAt, out.end);
      fillSalt(salt);
      this.#key = subkey(masterKey, salt);
      if (this.#prefix) at = this.#first(this.#prefix, this.#key, plain, from, to, out);
    }
    while (at < to) {
      const length = Math.min(to - at, RECORD_LIMIT);
      this.#record(this.#key, plain, at, length, out);
      at += length;
    }
  }

  /** @returns where the payload goes on that did not fit into the first record */
  #first(prefix: Uint8Array, key: Uint8Array, plain: Span, from: number, to: number, out: Outbox): number {
    const end = Math.min(to, from + RECORD_LIMIT - prefix.length);
    firstRecord.bytes.set(prefix);
    firstRecord.bytes.set(plain.bytes.subarray(from, end), prefix.length);
    this.#prefix = undefined;
    this.#record(key, firstRecord, 0, prefix.length + end - from, out);
    return end;
  }

  #record(key: Uint8Array, src: Span, from: number, length: number, out: Outbox): void {
    const { aead } = this.#suite;
    const lengthAt = out.take(LENGTH_SIZE + TAG_SIZE + length + TAG_SIZE);
    lengthCell.bytes[0] = length >>> 8;
    lengthCell.bytes[1] = length & 0xff;
    aead.seal(key, this.#sequence++, lengthCell, 0, LENGTH_SIZE, out, lengthAt);
    aead.seal(key, this.#sequence++, src, from, length, out, lengthAt + LENGTH_SIZE + TAG_SIZE);
  }
}
