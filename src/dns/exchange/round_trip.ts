/** How long an answer takes, learned from those that came (RFC 6298 §2): when to take a datagram for lost. */

/** Milliseconds. */
const INITIAL = 1_000;
/** A resolver that has to ask others answers later than one that has it: not every one of those is lost. */
const LEAST = 250;
const MOST = 1_500;

export interface RoundTrip {
  /** Milliseconds after which an answer is overdue. */
  readonly timeout: number;
  /** An answer came this many milliseconds after the first datagram; of a lost one that errs on the patient side. */
  took(milliseconds: number): void;
}

export function createRoundTrip(): RoundTrip {
  let smoothed: number | undefined;
  let variation = 0;
  return {
    get timeout() {
      if (smoothed === undefined) return INITIAL;
      return Math.min(MOST, Math.max(LEAST, smoothed + 4 * variation));
    },
    took(milliseconds) {
      if (smoothed === undefined) {
        smoothed = milliseconds;
        variation = milliseconds / 2;
        return;
      }
      variation += (Math.abs(smoothed - milliseconds) - variation) / 4;
      smoothed += (milliseconds - smoothed) / 8;
    },
  };
}
