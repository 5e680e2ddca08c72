import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatCidr, type Cidr } from '../../src/net/cidr.ts';
import { rangeCidrs } from '../../src/net/range_cidrs.ts';
import { rangesOf, union, type RangeSet } from '../../src/net/ranges.ts';
import { rangesFrom } from './ranges_from.ts';

const RUNS = { numRuns: 1000 };

/** Any ranges, not only those that CIDR blocks make; ends that are hard to count with are likely. */
function rangeSet(family: 4 | 6): fc.Arbitrary<RangeSet> {
  const size = family === 4 ? 1 : 4;
  const word = fc.oneof(
    fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
    fc.nat(0xffffffff),
  );
  const address = fc.array(word, { minLength: size, maxLength: size });
  const range = fc.tuple(address, address).map(([a, b]) => {
    const [first, last] = lessOrEqual(a, b) ? [a, b] : [b, a];
    return { family, words: Uint32Array.from([...first, ...last]) };
  });
  return fc.array(range, { maxLength: 8 }).map((ranges) => union(family, ranges));
}

function lessOrEqual(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((word, i) => word !== b[i]);
  return at < 0 || a[at]! < b[at]!;
}

const blocks = (set: RangeSet): string[] => Array.from(rangeCidrs(set), formatCidr);
const setOf = (...cidrs: string[]): RangeSet => rangesFrom(...cidrs).v4;
const setOf6 = (...cidrs: string[]): RangeSet => rangesFrom(...cidrs).v6;

/** The block of which a block is one half. */
function parent({ address, prefix }: Cidr): string {
  const { v4, v6 } = rangesOf([{ address, prefix: prefix - 1 }]);
  const [only] = rangeCidrs(address.family === 4 ? v4 : v6);
  return formatCidr(only!);
}

describe('rangeCidrs()', () => {
  test.each([4, 6] as const)('holds exactly the addresses of the set: IPv%d', (family) => {
    fc.assert(
      fc.property(rangeSet(family), (set) => {
        const { v4, v6 } = rangesOf(rangeCidrs(set));
        expect(family === 4 ? v4 : v6).toEqual(set);
      }),
      RUNS,
    );
  });

  test.each([4, 6] as const)('has no two blocks that one would do for, and they ascend: IPv%d', (family) => {
    fc.assert(
      fc.property(rangeSet(family), (set) => {
        const all = Array.from(rangeCidrs(set));
        const hex = all.map(({ address }) => address.bytes.toHex());
        expect(hex).toEqual(hex.toSorted());
        const parents = all.filter(({ prefix }) => prefix > 0).map(parent);
        expect(new Set(parents).size).toBe(parents.length);
      }),
      RUNS,
    );
  });

  test.each([
    [setOf(), []],
    [setOf('0.0.0.0/0'), ['0.0.0.0/0']],
    [setOf('255.255.255.255/32'), ['255.255.255.255/32']],
    [{ family: 4, words: Uint32Array.of(1, 6) }, ['0.0.0.1/32', '0.0.0.2/31', '0.0.0.4/31', '0.0.0.6/32']],
    // 768 addresses, as registries hand out: no block holds them.
    [{ family: 4, words: Uint32Array.of(0x01000100, 0x010003ff) }, ['1.0.1.0/24', '1.0.2.0/23']],
    [setOf6('::/0'), ['::/0']],
    [setOf6('2001:db8::/33', '2001:db8:8000::/34'), ['2001:db8::/33', '2001:db8:8000::/34']],
  ] satisfies [RangeSet, string[]][])('%#', (set, expected) => {
    expect(blocks(set)).toEqual(expected);
  });
});
