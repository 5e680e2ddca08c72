/**
 * A Shadowsocks server that doesn't believe the password says nothing, on purpose, and holds the connection open. No
 * single flow can be told from a slow one; many in a row that were given no byte back can.
 */

/** Flows in a row without a byte back, before it is said. Said again at ten times that, and so on. */
const SUSPICIOUS = 3;

export interface Silence {
  /**
   * A flow has asked and was given no byte back, for long or to its end.
   * @returns how many in a row that makes, when it is time to say so
   */
  unanswered(): number | undefined;
  /** A flow was given a byte. */
  answered(): void;
}

export function createSilence(): Silence {
  let row = 0;
  let next = SUSPICIOUS;
  return {
    unanswered() {
      if (++row < next) return undefined;
      next *= 10;
      return row;
    },
    answered() {
      row = 0;
      next = SUSPICIOUS;
    },
  };
}
