/**
 * Queries out of a client's stream: each behind its length in two bytes (RFC 1035 §4.2.2), cut by the network wherever
 * it likes. Unlike the resolvers that we ask ({@link file://../exchange/framing.ts}), a client may mean ill: so a message
 * is taken out only when its answer can be sent, and memory for one that comes in pieces is taken once, when its length is
 * known: who sends byte by byte makes us copy no more than that.
 */

export interface Frames {
  /** Takes what came next; kept, not copied, until it is taken out. */
  push(bytes: Uint8Array): void;
  /**
   * The next message that is whole; its bytes are the caller's. One of no bytes is no message: the stream is not DNS.
   * @returns undefined if none is
   */
  next(): Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);

export function createFrames(): Frames {
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
