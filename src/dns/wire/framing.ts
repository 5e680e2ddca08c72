/**
 * Messages on a stream: each behind its length, two bytes, most significant first (RFC 1035 §4.2.2, RFC 7766 §8), cut by
 * the network wherever it likes.
 */
import { MESSAGE_LIMIT, putU16 } from './header.ts';

const LENGTH_SIZE = 2;

/**
 * @returns a new array: length, message
 * @throws RangeError for what is longer than a length can say
 */
export function frame(message: Uint8Array): Uint8Array {
  if (message.length > MESSAGE_LIMIT) throw new RangeError(`a DNS message of ${message.length} bytes`);
  const framed = new Uint8Array(LENGTH_SIZE + message.length);
  putU16(framed, 0, message.length);
  framed.set(message, LENGTH_SIZE);
  return framed;
}

/**
 * Messages out of a stream. Who sends them may mean ill: memory for one that comes in pieces is taken once, when its
 * length is known, so that bytes that come one by one make us copy no more than those.
 */
export interface Unframer {
  /** Takes what came next; kept, not copied, until it is taken out. */
  push(bytes: Uint8Array): void;
  /**
   * The next message that is whole: a view into what was pushed, or memory of its own. It may be shorter than a message
   * can be.
   * @returns undefined if none is
   */
  next(): Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

export function createUnframer(): Unframer {
  let bytes: Uint8Array = NOTHING;
  let at = 0;
  /** First byte of a length whose second has not come; -1: none. */
  let high = -1;
  let partial: Uint8Array | undefined;
  let filled = 0;

  /** @returns undefined if it has not come */
  function readLength(): number | undefined {
    if (high < 0 && at < bytes.length) high = bytes[at++]!;
    if (high < 0 || at >= bytes.length) return undefined;
    const length = (high << 8) | bytes[at++]!;
    high = -1;
    return length;
  }

  return {
    push(more) {
      bytes = at < bytes.length ? Buffer.concat([bytes.subarray(at), more]) : more;
      at = 0;
    },
    next() {
      if (partial === undefined) {
        const length = readLength();
        if (length === undefined) return undefined;
        if (bytes.length - at >= length) return bytes.subarray(at, (at += length));
        partial = new Uint8Array(length);
        filled = 0;
      }
      const piece = bytes.subarray(at, at + partial.length - filled);
      partial.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled < partial.length) return undefined;
      const whole = partial;
      partial = undefined;
      return whole;
    },
  };
}
