import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { NO_RANGES } from '../../src/net/ranges.ts';
import { builtinCnRanges } from '../../src/route/cn_ranges.ts';
import { addressCount, implausible } from '../../src/route/plausible.ts';
import { rangesFrom } from '../net/ranges_from.ts';
import { dualRanges } from './arbitraries.ts';
import { rangesOfSet } from './slow_ranges.ts';

const KNOWN = rangesFrom('10.0.0.0/16', '10.2.0.0/16', '2001:db8::/32');

describe('what may come after the known ranges', () => {
  test.each([
    ['the same', KNOWN, undefined],
    ['a bit more', rangesFrom('10.0.0.0/15', '10.2.0.0/16', '2001:db8::/32'), undefined],
    ['half of it', rangesFrom('10.0.0.0/16', '2001:db8::/32'), undefined],
    ['nothing', NO_RANGES, 'only 0 % of the IPv4 addresses of before'],
    ['less', rangesFrom('10.0.0.0/17', '2001:db8::/32'), 'only 25 % of the IPv4 addresses of before'],
    [
      'other addresses',
      rangesFrom('10.4.0.0/15', '2001:db8::/32'),
      'only 0 % of the IPv4 addresses of before',
    ],
    ['everything', rangesFrom('0.0.0.0/0', '2001:db8::/32'), '3276800 % of the IPv4 addresses of before'],
    ['no IPv6', rangesFrom('10.0.0.0/16', '10.2.0.0/16'), 'only 0 % of the IPv6 addresses of before'],
    [
      'more IPv6',
      rangesFrom('10.0.0.0/16', '10.2.0.0/16', '2001:db8::/30'),
      '400 % of the IPv6 addresses of before',
    ],
  ] as const)('%s', (_, fresh, expected) => {
    expect(implausible(fresh, KNOWN)).toBe(expected);
  });

  test('the built-in ones after themselves', () => {
    const { ranges } = builtinCnRanges();
    expect(implausible(ranges, ranges)).toBeUndefined();
  });
});

test('addresses are counted', () => {
  fc.assert(
    fc.property(dualRanges(), ({ v4, v6 }) => {
      for (const set of [v4, v6]) {
        const slow = rangesOfSet(set).reduce((sum, [first, last]) => sum + (last - first + 1n), 0n);
        // A double has 53 bits.
        const error = addressCount(set) - Number(slow);
        expect(Math.abs(error)).toBeLessThanOrEqual(Number(slow) * 1e-12);
      }
    }),
  );
});
