/** What is known of one resolver among others: how fast it answers, and whether it does. Times in milliseconds. */

/** Weight of the newest time in the average. */
const WEIGHT = 0.3;

/** After a failure it is left alone for this long, and twice as long after each further one, up to the limit. */
const REST = 500;
const LONGEST_REST = 30_000;

/** What was learned longer ago than this is asked for again: the way to it may have become better. */
const STALE = 60_000;

/** When to ask another as well: after so many times its average. */
const PATIENCE = 3;
const LEAST_PATIENCE = 100;
const MOST_PATIENCE = 1_000;

export interface Standing {
  /** Moving average; undefined if it never answered. */
  readonly average: number | undefined;
  /** All, ever. */
  readonly failures: number;
  /** How long it may take before another is asked as well. */
  readonly patience: number;
  /** Until when it is left alone, after failures. */
  readonly restsUntil: number;
  /** Whether it is time to learn of it, at this time. */
  isDue(now: number): boolean;
  answered(took: number, now: number): void;
  /** Nobody waits any more; it had not answered until then. */
  outpaced(after: number, now: number): void;
  failed(now: number): void;
  /** On another network: whoever failed may work there, and all are to be learned of anew. */
  renew(): void;
}

export function createStanding(): Standing {
  let average: number | undefined;
  let failures = 0;
  let inARow = 0;
  let restsUntil = 0;
  let learned = -Infinity;

  const learn = (took: number, now: number) => {
    average = average === undefined ? took : average + WEIGHT * (took - average);
    learned = now;
  };
  return {
    get average() {
      return average;
    },
    get failures() {
      return failures;
    },
    get patience() {
      return Math.min(MOST_PATIENCE, Math.max(LEAST_PATIENCE, PATIENCE * (average ?? MOST_PATIENCE)));
    },
    get restsUntil() {
      return restsUntil;
    },
    isDue: (now) => now >= restsUntil && now - learned > STALE,
    answered(took, now) {
      inARow = 0;
      restsUntil = 0;
      learn(took, now);
    },
    outpaced(after, now) {
      // How much longer it would have taken nobody knows: as long again is taken for it, if that says anything new.
      if (average !== undefined && 2 * after > average) learn(2 * after, now);
      learned = now;
    },
    failed(now) {
      failures++;
      restsUntil = now + Math.min(LONGEST_REST, REST * 2 ** inARow++);
      learned = now;
    },
    renew() {
      inARow = 0;
      restsUntil = 0;
      learned = -Infinity;
    },
  };
}
