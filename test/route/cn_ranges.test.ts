/** The data that is built in, against the package that it came from, read in another way. */
import { describe, expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseAddress } from '../../src/net/address.ts';
import { contains } from '../../src/net/ranges.ts';
import { encodeRanges, RangesFileError } from '../../src/route/cn_format.ts';
import { builtinCnRanges, loadCnRanges, updatedCnRanges } from '../../src/route/cn_ranges.ts';
import { specialRanges } from '../../src/route/special.ts';
import { folderForAll } from '../lab/folder.ts';
import { rangesFrom } from '../net/ranges_from.ts';
import { fromBigInt, merged, rangesOfSet, slowlyContains, type SlowRange } from './slow_ranges.ts';

const PACKAGE = new URL('../../node_modules/@ip-location-db/asn-country/', import.meta.url).pathname;
const { date, ranges } = builtinCnRanges();

/** From the package's second form, decimal numbers, which the build does not read. */
function fromNumbers(file: string): SlowRange[] {
  return readFileSync(PACKAGE + file, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(',CN'))
    .map((line) => {
      const [first, last] = line.split(',');
      return [BigInt(first!), BigInt(last!)] as const;
    });
}

describe.each([
  [4, ranges.v4, 'asn-country-ipv4-num.csv'],
  [6, ranges.v6, 'asn-country-ipv6-num.csv'],
] as const)('IPv%d', (family, set, file) => {
  const source = fromNumbers(file);

  test('the same ranges as the source', () => {
    expect(rangesOfSet(set)).toEqual(merged(source));
  });

  test('each edge of each range, and the addresses beside it, as a linear scan has them', () => {
    for (const edge of source.flat()) {
      for (const value of [edge - 1n, edge, edge + 1n]) {
        const address = fromBigInt(family, value);
        if (address && contains(set, address) !== slowlyContains(source, value)) {
          throw new Error(`wrong about ${value}`);
        }
      }
    }
  });

  test('none lies in a special-purpose net', () => {
    const special = rangesOfSet(family === 4 ? specialRanges().v4 : specialRanges().v6);
    const shared = rangesOfSet(set).filter(([first, last]) =>
      special.some(([from, to]) => first <= to && from <= last),
    );
    expect(shared).toEqual([]);
  });
});

test('says when it was published', () => {
  expect(date).toMatch(/^20\d\d-[01]\d-[0-3]\d$/);
});

test.each([
  ['114.114.114.114', true],
  ['223.5.5.5', true],
  ['2400:3200::1', true],
  ['240e::1', true],
  ['8.8.8.8', false],
  ['1.1.1.1', false],
  ['2001:4860:4860::8888', false],
])('%s in China: %p', (text, inside) => {
  const address = parseAddress(text)!;
  expect(contains(address.family === 4 ? ranges.v4 : ranges.v6, address)).toBe(inside);
});

describe('newer ones that were fetched', () => {
  const folder = folderForAll();
  const fetched = rangesFrom('192.0.2.0/24', '2001:db8::/32');
  const put = (bytes: Uint8Array) => writeFileSync(updatedCnRanges(folder.path), bytes);

  test('are not there', () => {
    expect(loadCnRanges(folder.path)).toEqual({ date, ranges, origin: 'built in', problem: undefined });
  });

  test('are used', () => {
    put(encodeRanges({ date: '2999-01-01', ranges: fetched }));
    const loaded = { date: '2999-01-01', ranges: fetched, origin: 'updated', problem: undefined } as const;
    expect(loadCnRanges(folder.path)).toEqual(loaded);
  });

  test('are not used if those built in are as new', () => {
    put(encodeRanges({ date, ranges: fetched }));
    expect(loadCnRanges(folder.path)).toEqual({ date, ranges, origin: 'built in', problem: undefined });
  });

  test('are damaged: it is told', () => {
    put(encodeRanges({ date: '2999-01-01', ranges: fetched }).subarray(1));
    const { problem, ...loaded } = loadCnRanges(folder.path);
    expect(loaded).toEqual({ date, ranges, origin: 'built in' });
    expect(problem).toBeInstanceOf(RangesFileError);
  });
});
