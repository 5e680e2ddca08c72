/** Ranges as CIDR blocks, for what knows only those. */
import type { Cidr } from './cidr.ts';
import type { RangeSet } from './ranges.ts';

const WIDTH = { 4: 32, 6: 128 } as const;

/** The fewest blocks that hold exactly the addresses of a set, in ascending order. */
export function* rangeCidrs({ family, words }: RangeSet): Generator<Cidr> {
  const width = WIDTH[family];
  const size = width / 32;
  for (let at = 0; at < words.length; at += 2 * size) {
    let first = toInteger(words, at, size);
    const end = toInteger(words, at + size, size) + 1n;
    while (first < end) {
      // The largest block that may begin here: as many zeros as the address ends in, as many as still fit.
      const aligned = first === 0n ? width : trailingZeros(first);
      const fitting = bitLength(end - first) - 1;
      const bits = Math.min(aligned, fitting);
      yield { address: { family, bytes: toBytes(first, width / 8) }, prefix: width - bits };
      first += 1n << BigInt(bits);
    }
  }
}

function toInteger(words: Uint32Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = at; i < at + size; i++) value = (value << 32n) | BigInt(words[i]!);
  return value;
}

function toBytes(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** Of a value above zero. */
function trailingZeros(value: bigint): number {
  return bitLength(value & -value) - 1;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}
