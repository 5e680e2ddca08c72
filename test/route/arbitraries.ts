/** Random range sets for property tests. */
import * as fc from 'fast-check';
import { union, type DualRanges, type RangeSet } from '../../src/net/ranges.ts';
import { addressWords } from '../../src/net/ranges.ts';
import { fromBigInt } from './slow_ranges.ts';

const WIDTH = { 4: 32n, 6: 128n } as const;

/** Numbers of the family; half of them close to an end, where carries happen. */
export function values(family: 4 | 6): fc.Arbitrary<bigint> {
  const max = (1n << WIDTH[family]) - 1n;
  const anywhere = fc.bigInt({ min: 0n, max });
  const near = fc.bigInt({ min: 0n, max: 300n });
  return fc.oneof(
    anywhere,
    near,
    near.map((n) => max - n),
  );
}

/** Merged sets, as the RangeSet contract wants them. */
export function rangeSets(family: 4 | 6): fc.Arbitrary<RangeSet> {
  const pair = fc.tuple(values(family), values(family)).map(([a, b]) => (a < b ? [a, b] : [b, a]));
  return fc.array(pair, { maxLength: 12 }).map((pairs) => {
    const words = pairs.flat().flatMap((value) => [...addressWords(fromBigInt(family, value)!)]);
    return union(family, [{ family, words: Uint32Array.from(words) }]);
  });
}

export function dualRanges(): fc.Arbitrary<DualRanges> {
  return fc.record({ v4: rangeSets(4), v6: rangeSets(6) });
}
