/** Has something looked after now and then, and never twice at once. */
import type { Clock } from '../../base/clock.ts';

/** Milliseconds. What another product does to pf cuts nobody off that long; looking takes some ten short programs. */
const EVERY = 30_000;

export interface Watchdog {
  /** From now on it does not look any more; a look under way ends by itself. */
  stop(): void;
}

/** @param look never fails; the next wait begins when it is done */
export function startWatchdog(clock: Clock, look: () => Promise<void>): Watchdog {
  let stopped = false;
  let cancel = wait();
  function wait(): () => void {
    return clock.after(EVERY, () => void lookAndWait());
  }
  async function lookAndWait(): Promise<void> {
    await look();
    if (!stopped) cancel = wait();
  }
  return {
    stop() {
      stopped = true;
      cancel();
    },
  };
}
