import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { rangesOf, union, type RangeSet } from '../../../src/net/ranges.ts';
import { parseCidr } from '../../../src/net/cidr.ts';
import { ATTRIBUTE_MAX, readAttributes, readU32 } from '../../../src/redirect/nftables/attribute.ts';
import { intervalBlocks } from '../../../src/redirect/nftables/intervals.ts';
import { NFTA_DATA, NFTA_SET_ELEM } from '../../../src/redirect/nftables/uapi.ts';

interface Element {
  readonly key: bigint;
  readonly end: boolean;
  readonly open: boolean;
}

/** Takes the elements of a block apart again. */
function readElements(list: Uint8Array): Element[] {
  const elements: Element[] = [];
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  for (let at = 0; at < list.length; at += (view.getUint16(at, true) + 3) & ~3) {
    const element = readAttributes(list.subarray(at + 4, at + view.getUint16(at, true)));
    const key = readAttributes(element.get(NFTA_SET_ELEM.KEY)!).get(NFTA_DATA.VALUE)!;
    elements.push({
      key: BigInt(`0x${Buffer.from(key).toString('hex')}`),
      end: readU32(element.get(NFTA_SET_ELEM.FLAGS)) === 1,
      open: element.has(NFTA_SET_ELEM.USERDATA),
    });
  }
  return elements;
}

/** The same by slow arithmetic. */
function expected({ family, words }: RangeSet): Element[] {
  const size = family === 4 ? 1 : 4;
  const past = 1n << BigInt(32 * size);
  const number = (at: number) =>
    words.subarray(at, at + size).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  const elements: Element[] = [];
  for (let at = 0; at < words.length; at += 2 * size) {
    const after = number(at + size) + 1n;
    elements.push({ key: number(at), end: false, open: after === past });
    if (after < past) elements.push({ key: after, end: true, open: false });
  }
  return elements;
}

describe('intervalBlocks()', () => {
  const word = fc.oneof(fc.constantFrom(0, 1, 0xfffffffe, 0xffffffff), fc.nat(0xffffffff));
  const ranges = (family: 4 | 6) => {
    const size = family === 4 ? 1 : 4;
    const address = fc.array(word, { minLength: size, maxLength: size });
    const pair = fc
      .tuple(address, address)
      .map(([a, b]) => (a.join() === [a, b].sort(byWords)[0]!.join() ? [...a, ...b] : [...b, ...a]));
    return fc.array(pair, { maxLength: 30 }).map((pairs) =>
      union(
        family,
        pairs.map((words) => ({ family, words: Uint32Array.from(words) })),
      ),
    );
  };

  test('gives the first address and the one after the last', () => {
    fc.assert(
      fc.property(fc.oneof(ranges(4), ranges(6)), (set) => {
        const elements = Array.from(intervalBlocks(set)).flatMap((block) => readElements(block.elements));
        expect(elements).toEqual(expected(set));
      }),
    );
  });

  test.each([
    ['0.0.0.0/0', 4, [{ key: 0n, end: false, open: true }]],
    ['255.255.255.255/32', 4, [{ key: 0xffffffffn, end: false, open: true }]],
    ['ffff::/16', 6, [{ key: 0xffffn << 112n, end: false, open: true }]],
    [
      '2001:db8::ffff:ffff/128',
      6,
      [
        { key: 0x20010db80000000000000000ffffffffn, end: false, open: false },
        { key: 0x20010db8000000000000000100000000n, end: true, open: false },
      ],
    ],
  ] as const)('%s', (text, family, elements) => {
    const set = rangesOf([parseCidr(text)!])[family === 4 ? 'v4' : 'v6'];
    const [block] = intervalBlocks(set);
    expect(readElements(block!.elements)).toEqual([...elements]);
  });

  test('cuts between ranges, numbers them from 1, and fits each block into one attribute', () => {
    for (const [family, count] of [
      [4, 5000],
      [6, 3000],
    ] as const) {
      const size = family === 4 ? 1 : 4;
      const words = new Uint32Array(count * 2 * size);
      for (let i = 0; i < count; i++) {
        words[i * 2 * size] = i * 16;
        words[(i * 2 + 1) * size] = i * 16 + 7;
      }
      const set: RangeSet = { family, words };
      const blocks = [...intervalBlocks(set)];
      expect(blocks.length).toBeGreaterThan(2);
      expect(blocks.map((block) => block.from)).toEqual([
        1,
        ...blocks.slice(0, -1).map((block) => block.to + 1),
      ]);
      expect(blocks.at(-1)!.to).toBe(count);
      for (const { from, to, elements } of blocks) {
        expect(elements.length).toBeLessThanOrEqual(ATTRIBUTE_MAX);
        const part = words.subarray((from - 1) * 2 * size, to * 2 * size);
        expect(readElements(elements)).toEqual(expected({ family, words: part }));
      }
    }
  });

  test('gives nothing for nothing', () => {
    expect([...intervalBlocks({ family: 4, words: new Uint32Array(0) })]).toEqual([]);
  });
});

function byWords(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}
