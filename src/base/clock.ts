/** Time as an argument: whoever waits is given a clock, and tests have one of their own. */

/** A place to look at the time and to be woken up. Milliseconds, monotonic. */
export interface Clock {
  now(): number;
  /** @returns what cancels it */
  after(ms: number, wake: () => void): () => void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};
