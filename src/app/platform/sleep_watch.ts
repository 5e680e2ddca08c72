/**
 * Notices that the machine was asleep, by the time of day alone: the engine's monotonic clock stands still meanwhile
 * (CLOCK_MONOTONIC of Linux, mach_absolute_time of macOS), and so do its timers, or not, as the system's next version likes.
 */
import { realClock, type Clock } from '../../base/clock.ts';

/** Milliseconds from one look at the time to the next, and by how many it must be late to have been asleep meanwhile. */
const LOOK = 5_000;
const ASLEEP = 10_000;

/**
 * @param note gets what happened, in words for the log. A clock that is set forward is taken for sleep
 * @param timeOfDay milliseconds
 */
export function watchSleep(
  note: (what: string) => void,
  clock: Clock = realClock,
  timeOfDay: () => number = Date.now,
): { stop(): void } {
  let last = timeOfDay();
  let cancel = clock.after(LOOK, look);
  function look(): void {
    const now = timeOfDay();
    if (now - last >= LOOK + ASLEEP) note('the machine was asleep, or its clock was set');
    last = now;
    cancel = clock.after(LOOK, look);
  }
  return { stop: () => cancel() };
}
