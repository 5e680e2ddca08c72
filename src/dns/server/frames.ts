/**
 * Queries out of a client's stream: each behind its length in two bytes (RFC 1035 §4.2.2), cut by the network wherever
 * it likes. Unlike the resolvers that we ask ({@link file://../exchange/framing.ts}), a client may mean ill: memory for a
 * message is taken once, when its length is known, so that one who sends byte by byte makes us copy no more than that.
 */

export interface Frames {
  /**
   * Takes what came next, and gives every message that is whole now to `message`; its bytes are the receiver's unless
   * `bytes` itself is written to again.
   * @returns false after a message of no bytes: there is no such thing, so the stream is not DNS
   */
  push(bytes: Uint8Array): boolean;
  /** Has a message begun that is not whole yet? */
  readonly within: boolean;
}

export function createFrames(message: (bytes: Uint8Array) => void): Frames {
  /** First byte of a length whose second has not come; -1: none. */
  let high = -1;
  let partial: Uint8Array | undefined;
  let filled = 0;

  return {
    get within() {
      return high >= 0 || partial !== undefined;
    },
    push(bytes) {
      let at = 0;
      while (at < bytes.length) {
        if (partial === undefined) {
          if (high < 0) {
            high = bytes[at++]!;
            continue;
          }
          const length = (high << 8) | bytes[at++]!;
          high = -1;
          if (length === 0) return false;
          if (bytes.length - at >= length) {
            message(bytes.subarray(at, at + length));
            at += length;
            continue;
          }
          partial = new Uint8Array(length);
          filled = 0;
        }
        const taken = bytes.subarray(at, at + partial.length - filled);
        partial.set(taken, filled);
        filled += taken.length;
        at += taken.length;
        if (filled === partial.length) {
          const whole = partial;
          partial = undefined;
          message(whole);
        }
      }
      return true;
    },
  };
}
