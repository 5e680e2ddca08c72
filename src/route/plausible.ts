/** Are new address ranges what the old ones could have become? */
import { union, type DualRanges, type RangeSet } from '../net/ranges.ts';

/** How far a total may move from one update to the next, and how much of what was there must still be there. */
const MOST_GROWTH = 2;
const LEAST_KEPT = 0.5;

/** What is hardly right about ranges that are to stand in the place of others; undefined if nothing is. */
export function implausible(fresh: DualRanges, known: DualRanges): string | undefined {
  return implausibleSet(fresh.v4, known.v4) ?? implausibleSet(fresh.v6, known.v6);
}

function implausibleSet(fresh: RangeSet, known: RangeSet): string | undefined {
  const { family } = fresh;
  const before = addressCount(known);
  const after = addressCount(fresh);
  if (after > MOST_GROWTH * before) return `${share(after, before)} of the IPv${family} addresses of before`;
  // |A ∩ B| = |A| + |B| - |A ∪ B|
  const kept = before + after - addressCount(union(family, [fresh, known]));
  if (kept < LEAST_KEPT * before)
    return `only ${share(kept, before)} of the IPv${family} addresses of before`;
  return undefined;
}

function share(part: number, whole: number): string {
  return whole === 0 ? 'more than none' : `${Math.round((100 * part) / whole)} %`;
}

/** How many addresses are in a set; of IPv6 rounded to what a double holds. */
export function addressCount({ family, words }: RangeSet): number {
  const size = family === 4 ? 1 : 4;
  let count = 0;
  for (let at = 0; at < words.length; at += 2 * size) {
    let length = 0;
    for (let i = at; i < at + size; i++) length = length * 2 ** 32 + (words[i + size]! - words[i]!);
    count += length + 1;
  }
  return count;
}
