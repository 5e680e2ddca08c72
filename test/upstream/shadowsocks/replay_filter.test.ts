import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { SessionError } from '../../../src/net/session.ts';
import { ReplayFilter } from '../../../src/upstream/shadowsocks/replay_filter.ts';

const saltOf = (n: number) => Uint8Array.of(n >> 8, n & 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255);

/** Whether it takes a salt. */
function takes(filter: ReplayFilter, n: number, now: number): boolean {
  try {
    filter.admit(saltOf(n), now);
    return true;
  } catch (error) {
    if (error instanceof SessionError && error.status === 'ERR_PROTOCOL') return false;
    throw error;
  }
}

describe('with a time', () => {
  test('against a list of all salts: what is younger than that is known, what is twice as old is not', () => {
    const step = fc.record({ salt: fc.nat(12), wait: fc.oneof(fc.nat(30), fc.nat(300)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const filter = new ReplayFilter(1000, 100);
        const seen = new Map<number, number>();
        let now = 5;
        for (const { salt, wait } of steps) {
          now += wait;
          const age = now - (seen.get(salt) ?? -Infinity);
          const taken = takes(filter, salt, now);
          if (age < 100) expect(taken).toBe(false);
          if (age === Infinity) expect(taken).toBe(true);
          // Kept for two generations at most, each of which lasts until something comes.
          if (taken) seen.set(salt, now);
        }
      }),
    );
  });

  test('a salt is forgotten in the end, also when nothing else came', () => {
    const filter = new ReplayFilter(10, 100);
    expect(takes(filter, 1, 0)).toBe(true);
    expect(takes(filter, 1, 199)).toBe(false);
    expect(takes(filter, 2, 250)).toBe(true);
    expect(takes(filter, 1, 251)).toBe(true);
  });

  test('refuses what it could not remember, and takes it when there is room again', () => {
    const filter = new ReplayFilter(3, 100);
    expect([1, 2, 3, 4].map((n) => takes(filter, n, 10))).toEqual([true, true, true, false]);
    expect(takes(filter, 4, 109)).toBe(false);
    expect(takes(filter, 4, 110)).toBe(true);
    expect(takes(filter, 1, 110)).toBe(false);
  });
});

describe('without a time', () => {
  test('at least as many as the limit are remembered, however old, and never more than twice as many', () => {
    const filter = new ReplayFilter(50);
    for (let n = 0; n < 1000; n++) {
      expect(takes(filter, n, n * 1e6)).toBe(true);
      for (let known = Math.max(0, n - 49); known <= n; known++)
        expect(takes(filter, known, n * 1e6)).toBe(false);
    }
    expect(takes(filter, 1000 - 101, 1e9)).toBe(true);
  });
});

test('salts that differ in any one bit are different', () => {
  const filter = new ReplayFilter(1000, 100);
  filter.admit(new Uint8Array(32), 0);
  for (let bit = 0; bit < 256; bit++) {
    const salt = new Uint8Array(32);
    salt[bit >> 3] = 1 << (bit & 7);
    filter.admit(salt, 1);
  }
});
