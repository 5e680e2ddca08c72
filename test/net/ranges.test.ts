import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseAddress, type Address } from '../../src/net/address.ts';
import { parseCidr, type Cidr } from '../../src/net/cidr.ts';
import {
  addressWords,
  contains,
  NO_RANGES,
  rangeCount,
  rangesOf,
  union,
  unionDual,
  type RangeSet,
} from '../../src/net/ranges.ts';
import { address, addressOf, cidr } from './arbitrary.ts';

const RUNS = { numRuns: 1000 };
const FAMILIES = [4, 6] as const;

/** First and last address, as numbers: the slow, obvious form of a range. */
type Interval = readonly [first: bigint, last: bigint];

function bits(family: 4 | 6): bigint {
  return family === 4 ? 32n : 128n;
}

function numberOf(address: Address): bigint {
  return BigInt(`0x${Buffer.from(address.bytes).toString('hex')}`);
}

function intervalOf({ address, prefix }: Cidr): Interval {
  const host = bits(address.family) - BigInt(prefix);
  const first = (numberOf(address) >> host) << host;
  return [first, first + (1n << host) - 1n];
}

function intervalsOf(set: RangeSet): Interval[] {
  const size = set.family === 4 ? 1 : 4;
  const numbers: bigint[] = [];
  for (let at = 0; at < set.words.length; at += size) {
    let number = 0n;
    for (let i = 0; i < size; i++) number = (number << 32n) | BigInt(set.words[at + i]!);
    numbers.push(number);
  }
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i]!, numbers[2 * i + 1]!]);
}

function setOf(family: 4 | 6, intervals: readonly Interval[]): RangeSet {
  const words = intervals.flat().flatMap((number) => {
    const size = family === 4 ? 1 : 4;
    return Array.from({ length: size }, (_, i) =>
      Number((number >> BigInt(32 * (size - 1 - i))) & 0xffffffffn),
    );
  });
  return { family, words: Uint32Array.from(words) };
}

/** Joins any two intervals that overlap or touch until no two do. */
function merged(intervals: readonly Interval[]): Interval[] {
  const rest = [...intervals];
  for (let i = 0; i < rest.length; i++) {
    for (let j = i + 1; j < rest.length; j++) {
      const [a, b] = [rest[i]!, rest[j]!];
      if (a[0] > b[1] + 1n || b[0] > a[1] + 1n) continue;
      rest[i] = [a[0] < b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]];
      rest.splice(j, 1);
      j = i;
    }
  }
  return rest.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

/** Intervals close to each other and to the ends of the address space, so that they touch and overlap often. */
function intervals(family: 4 | 6): fc.Arbitrary<Interval[]> {
  const top = (1n << bits(family)) - 1n;
  const near = fc.bigInt({ min: 0n, max: 12n });
  const boundaries = [
    0n,
    top - 12n,
    (1n << 31n) - 6n,
    ...(family === 6 ? [(1n << 32n) - 6n, (1n << 96n) - 6n] : []),
  ];
  const place = fc.tuple(fc.constantFrom(...boundaries), near).map(([base, offset]) => base + offset);
  const interval = fc.tuple(place, fc.oneof(near, near, near, place)).map(([first, length]): Interval => {
    const last = first + length;
    return [first, last > top ? top : last];
  });
  return fc.array(interval, { maxLength: 12 });
}

describe.each(FAMILIES)('a union of IPv%d sets', (family) => {
  test('is the slow union', () => {
    fc.assert(
      fc.property(fc.array(intervals(family), { maxLength: 4 }), (sets) => {
        const result = union(
          family,
          sets.map((set) => setOf(family, set)),
        );
        expect(result.family).toBe(family);
        expect(intervalsOf(result)).toEqual(merged(sets.flat()));
        expect(rangeCount(result)).toBe(merged(sets.flat()).length);
      }),
      RUNS,
    );
  });

  test('contains what one of the intervals contains', () => {
    const top = (1n << bits(family)) - 1n;
    fc.assert(
      fc.property(intervals(family), fc.array(addressOf(family)), (list, others) => {
        const set = union(family, [setOf(family, list)]);
        const edges = list.flatMap(([first, last]) => [first - 1n, first, last, last + 1n]);
        for (const number of [
          ...edges.filter((edge) => edge >= 0n && edge <= top),
          ...others.map(numberOf),
        ]) {
          const hex = number.toString(16).padStart(family === 4 ? 8 : 32, '0');
          const address = { family, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
          expect(contains(set, address)).toBe(
            list.some(([first, last]) => number >= first && number <= last),
          );
        }
      }),
      RUNS,
    );
  });

  test('leaves the sets as they were', () => {
    const set = setOf(family, [
      [5n, 9n],
      [1n, 4n],
    ]);
    const before = set.words.slice();
    union(family, [set, set]);
    expect(set.words).toEqual(before);
  });

  test('of nothing is nothing', () => {
    expect(union(family, []).words.length).toBe(0);
    expect(contains(union(family, []), parseAddress(family === 4 ? '0.0.0.0' : '::')!)).toBe(false);
  });

  test('of everything in two halves is one range', () => {
    const half = 1n << (bits(family) - 1n);
    const all: Interval = [0n, 2n * half - 1n];
    const halves: Interval[] = [
      [half, all[1]],
      [0n, half - 1n],
    ];
    expect(intervalsOf(union(family, [setOf(family, halves)]))).toEqual([all]);
    expect(intervalsOf(union(family, [setOf(family, [all, all, [all[1], all[1]]])]))).toEqual([all]);
  });

  test('refuses a set of the other family', () => {
    expect(() => union(family, [NO_RANGES[family === 4 ? 'v6' : 'v4']])).toThrow(TypeError);
  });
});

describe('rangesOf', () => {
  test('is the union of the blocks, each family for itself', () => {
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 10 }), (blocks) => {
        const { v4, v6 } = rangesOf(blocks);
        for (const [family, set] of [
          [4, v4],
          [6, v6],
        ] as const) {
          const own = blocks.filter(({ address }) => address.family === family);
          expect(set.family).toBe(family);
          expect(intervalsOf(set)).toEqual(merged(own.map(intervalOf)));
        }
      }),
      RUNS,
    );
  });

  test.each([
    ['0.0.0.0/0', 0n, 0xffffffffn],
    ['192.0.2.7/24', 0xc0000200n, 0xc00002ffn],
    ['255.255.255.255/32', 0xffffffffn, 0xffffffffn],
    ['::/0', 0n, (1n << 128n) - 1n],
    ['2001:db8::/33', 0x20010db8n << 96n, (0x20010db87fffn << 80n) | ((1n << 80n) - 1n)],
  ])('of %s', (text, first, last) => {
    const { v4, v6 } = rangesOf([parseCidr(text)!]);
    expect([...intervalsOf(v4), ...intervalsOf(v6)]).toEqual([[first, last]]);
  });

  test('unionDual joins what rangesOf made', () => {
    fc.assert(
      fc.property(fc.array(fc.array(cidr, { maxLength: 4 }), { maxLength: 4 }), (lists) => {
        expect(unionDual(lists.map((list) => rangesOf(list)))).toEqual(rangesOf(lists.flat()));
      }),
    );
    expect(unionDual([])).toEqual(NO_RANGES);
  });
});

test('an address of the other family is in no range', () => {
  const all = rangesOf([parseCidr('0.0.0.0/0')!, parseCidr('::/0')!]);
  expect(contains(all.v4, parseAddress('::1')!)).toBe(false);
  expect(contains(all.v6, parseAddress('127.0.0.1')!)).toBe(false);
  expect(contains(all.v4, parseAddress('127.0.0.1')!)).toBe(true);
  expect(contains(all.v6, parseAddress('::1')!)).toBe(true);
});

test('addressWords has the most significant word first', () => {
  fc.assert(
    fc.property(address, (address) => {
      const hex = Array.from(addressWords(address), (word) => word.toString(16).padStart(8, '0')).join('');
      expect(hex).toBe(Buffer.from(address.bytes).toString('hex'));
    }),
  );
});
