/** Time that passes only when the test says so. */
import type { Clock } from '../../src/dns/race.ts';

export interface FakeClock extends Clock {
  /** Lets time pass, as long as anything waits for it, until `promise` is settled. @returns what it gave */
  until<T>(promise: Promise<T>): Promise<T>;
  /** How many still wait. */
  readonly waiting: number;
}

export function createFakeClock(): FakeClock {
  let now = 0;
  let serial = 0;
  const timers = new Map<number, { readonly at: number; readonly wake: () => void }>();

  /** A turn of the event loop: every promise that can go on has gone on. */
  const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

  return {
    now: () => now,
    after(ms, wake) {
      const id = serial++;
      timers.set(id, { at: now + ms, wake });
      return () => void timers.delete(id);
    },
    get waiting() {
      return timers.size;
    },
    async until(promise) {
      const progress = { settled: false };
      const mark = () => void (progress.settled = true);
      promise.then(mark, mark);
      await settle();
      while (!progress.settled) {
        const [next] = [...timers].sort(([a, one], [b, two]) => one.at - two.at || a - b);
        if (!next) throw new Error(`nothing is left to wait for after ${now} ms`);
        const [id, { at, wake }] = next;
        timers.delete(id);
        now = at;
        wake();
        await settle();
      }
      return promise;
    },
  };
}
