/** Time that passes only when the test says so. */
import type { Clock } from '../../src/base/clock.ts';

export interface FakeClock extends Clock {
  /** Lets time pass, as long as anything waits for it, until `promise` is settled. @returns what it gave */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Lets so many milliseconds pass, and wakes whoever waited for one of them. */
  pass(ms: number): Promise<void>;
  /** How many still wait. */
  readonly waiting: number;
}

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly wake: () => void;
}

export function createFakeClock(): FakeClock {
  let now = 0;
  let serial = 0;
  const timers = new Map<number, Timer>();

  /** A turn of the event loop: every promise that can go on has gone on. */
  const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

  /** That of the first who is to be woken. */
  function nextTimer(): Timer | undefined {
    return [...timers.values()].sort((one, two) => one.at - two.at || one.id - two.id)[0];
  }

  async function wakeAt({ id, at, wake }: Timer): Promise<void> {
    timers.delete(id);
    now = at;
    wake();
    await settle();
  }

  return {
    now: () => now,
    after(ms, wake) {
      const id = serial++;
      timers.set(id, { id, at: now + ms, wake });
      return () => void timers.delete(id);
    },
    get waiting() {
      return timers.size;
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (let next = nextTimer(); next && next.at <= end; next = nextTimer()) await wakeAt(next);
      now = end;
    },
    async until(promise) {
      const progress = { settled: false };
      const mark = () => void (progress.settled = true);
      promise.then(mark, mark);
      await settle();
      while (!progress.settled) {
        const next = nextTimer();
        if (!next) throw new Error(`nothing is left to wait for after ${now} ms`);
        await wakeAt(next);
      }
      return promise;
    },
  };
}
