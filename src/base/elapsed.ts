/**
 * Time that has passed, also while the machine was asleep. Monotonic clocks stand still then (CLOCK_MONOTONIC of Linux,
 * mach_absolute_time of macOS), and what was good for a minute would still be good the next morning.
 */

/** Milliseconds by which the time of day must have gone on more than the monotonic clock. Being set right now and then moves it by less. */
const ASLEEP = 5_000;

/**
 * @param monotonic milliseconds
 * @param timeOfDay milliseconds
 * @returns a clock in milliseconds that never goes back. A time of day that is set forward makes it go on as much
 */
export function createElapsed(
  monotonic = () => performance.now(),
  timeOfDay = () => Date.now(),
): () => number {
  let slept = 0;
  let last = timeOfDay() - monotonic();
  return () => {
    const awake = monotonic();
    const ahead = timeOfDay() - awake;
    if (ahead - last >= ASLEEP) slept += ahead - last;
    last = ahead;
    return awake + slept;
  };
}
