import { expect, test } from 'bun:test';
import { createRoundTrip } from '../../../src/dns/exchange/round_trip.ts';

const timeoutAfter = (...times: number[]) => {
  const roundTrip = createRoundTrip();
  for (const time of times) roundTrip.took(time);
  return roundTrip.timeout;
};
const many = (time: number) => Array<number>(50).fill(time);

test('is a second while nothing is known', () => {
  expect(timeoutAfter()).toBe(1_000);
});

test('is bounded on both sides', () => {
  expect(timeoutAfter(...many(1))).toBe(250);
  expect(timeoutAfter(...many(4_000))).toBe(1_500);
});

test('settles near steady times, and leaves room for unsteady ones', () => {
  const steady = timeoutAfter(...many(300));
  expect(steady).toBeGreaterThan(300);
  expect(steady).toBeLessThan(310);
  const unsteady = timeoutAfter(...Array.from({ length: 50 }, (_, n) => (n % 2 ? 200 : 400)));
  expect(unsteady).toBeGreaterThan(500);
});
