/** A deliberately slow reference: ranges as pairs of bigints, looked through one by one. */
import type { Address } from '../../src/net/address.ts';
import type { RangeSet } from '../../src/net/ranges.ts';

export type SlowRange = readonly [first: bigint, last: bigint];

export function toBigInt({ bytes }: Address): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}

/** @returns undefined outside of the family's numbers */
export function fromBigInt(family: 4 | 6, value: bigint): Address | undefined {
  const digits = family === 4 ? 8 : 32;
  if (value < 0n || value >= 1n << BigInt(4 * digits)) return undefined;
  return { family, bytes: Uint8Array.fromHex(value.toString(16).padStart(digits, '0')) };
}

export function slowlyContains(ranges: readonly SlowRange[], value: bigint): boolean {
  return ranges.some(([first, last]) => first <= value && value <= last);
}

/** The ranges of a set, by its documented layout alone. */
export function rangesOfSet({ family, words }: RangeSet): SlowRange[] {
  const size = family === 4 ? 1 : 4;
  const at = (index: number) =>
    words.subarray(index, index + size).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return Array.from({ length: words.length / (2 * size) }, (_, i) => [
    at(2 * i * size),
    at((2 * i + 1) * size),
  ]);
}

/** Sorted; overlapping and touching ones joined. */
export function merged(ranges: readonly SlowRange[]): SlowRange[] {
  const result: [bigint, bigint][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))) {
    const open = result.at(-1);
    if (open && first <= open[1] + 1n) open[1] = last > open[1] ? last : open[1];
    else result.push([first, last]);
  }
  return result;
}
