import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { createElapsed } from '../../src/base/elapsed.ts';

function clocks() {
  const time = { awake: 1_000, day: 1_800_000_000_000 };
  const elapsed = createElapsed(
    () => time.awake,
    () => time.day,
  );
  const pass = (awake: number, day = awake) => {
    time.awake += awake;
    time.day += day;
    return elapsed();
  };
  return { elapsed, pass };
}

test('goes with the monotonic clock while the machine is awake', () => {
  const { elapsed, pass } = clocks();
  expect(elapsed()).toBe(1_000);
  expect(pass(1_000)).toBe(2_000);
  expect(pass(3_600_000)).toBe(3_602_000);
});

test('counts what was slept through, once', () => {
  const { elapsed, pass } = clocks();
  expect(pass(500, 8 * 3_600_000)).toBe(1_000 + 8 * 3_600_000);
  expect(elapsed()).toBe(1_000 + 8 * 3_600_000);
  expect(pass(1_000)).toBe(2_000 + 8 * 3_600_000);
});

test('does not count twice where the monotonic clock goes on in sleep', () => {
  expect(clocks().pass(8 * 3_600_000)).toBe(1_000 + 8 * 3_600_000);
});

test('a time of day that is set right by a little, or back, changes nothing', () => {
  const { pass } = clocks();
  expect(pass(1_000, 4_000)).toBe(2_000);
  expect(pass(1_000, -3_600_000)).toBe(3_000);
  expect(pass(1_000, 1_000)).toBe(4_000);
});

test('never goes back', () => {
  const step = fc.tuple(fc.nat(10_000), fc.integer({ min: -100_000, max: 100_000 }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { elapsed, pass } = clocks();
      let last = elapsed();
      for (const [awake, day] of steps) {
        const now = pass(awake, day);
        expect(now).toBeGreaterThanOrEqual(last + awake);
        last = now;
      }
    }),
  );
});
