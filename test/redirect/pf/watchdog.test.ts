import { describe, expect, test } from 'bun:test';
import { startWatchdog } from '../../../src/redirect/pf/watchdog.ts';
import { createFakeClock } from '../../base/fake_clock.ts';

describe('startWatchdog()', () => {
  test('waits 30 s after each look, and not while one lasts', async () => {
    const clock = createFakeClock();
    const looks: PromiseWithResolvers<void>[] = [];
    const watchdog = startWatchdog(clock, () => {
      looks.push(Promise.withResolvers<void>());
      return looks.at(-1)!.promise;
    });
    await clock.pass(29_999);
    expect(looks).toHaveLength(0);
    await clock.pass(100_000);
    expect(looks).toHaveLength(1);
    looks[0]!.resolve();
    await clock.pass(29_999);
    expect(looks).toHaveLength(1);
    await clock.pass(1);
    expect(looks).toHaveLength(2);
    // Stopped in the middle of a look.
    watchdog.stop();
    looks[1]!.resolve();
    await clock.pass(100_000);
    expect(looks).toHaveLength(2);
    expect(clock.waiting).toBe(0);
  });

  test('does not look once it is stopped', async () => {
    const clock = createFakeClock();
    startWatchdog(clock, () => Promise.reject(new Error('a look'))).stop();
    await clock.pass(100_000);
    expect(clock.waiting).toBe(0);
  });
});
