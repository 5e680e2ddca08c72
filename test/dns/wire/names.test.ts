import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { encodeName, pointerOf, readName, skipName } from '../../../src/dns/wire/names.ts';
import { mutated, name } from './messages.ts';
import { Malformed, slowName, slowText } from './slow_reader.ts';

const AT = 12;

/** A message of a header of zeros and these bytes. */
function behindHeader(...bytes: readonly number[]): Uint8Array {
  return Uint8Array.from([...Array<number>(AT).fill(0), ...bytes]);
}

function wire(labels: readonly (readonly number[])[]): number[] {
  return [...labels.flatMap((label) => [label.length, ...label]), 0];
}

const label = (length: number) => [length, ...Array<number>(length).fill(0x61)];

test.each([
  ['the root', [0], ''],
  ['labels in lower case', [3, 0x57, 0x57, 0x57, 2, 0x63, 0x6e, 0], 'www.cn'],
  ['a dot in a label', [3, 0x61, 0x2e, 0x62, 0], 'a\\046b'],
  ['a backslash, a NUL, and a byte over ASCII', [3, 0x5c, 0, 0xe4, 0], '\\092\\000\\228'],
  ['hyphen and underscore', [4, 0x5f, 0x61, 0x2d, 0x31, 0], '_a-1'],
  ['a label of 63 bytes', [...label(63), 0], 'a'.repeat(63)],
  [
    '255 bytes in all',
    [...label(63), ...label(63), ...label(63), ...label(61), 0],
    [63, 63, 63, 61].map((length) => 'a'.repeat(length)).join('.'),
  ],
] as const)('%s', (_, bytes, text) => {
  const message = behindHeader(...bytes);
  expect(readName(message, AT)).toBe(text);
  expect(skipName(message, AT)).toBe(message.length);
  expect(pointerOf(message, AT)).toBe(-1);
});

describe('pointers', () => {
  const message = behindHeader(2, 0x63, 0x6e, 0, 1, 0x61, 0xc0, 12, 1, 0x62, 0xc0, 16, 0xc0, 20);

  test('lead to the rest of the name', () => {
    expect(readName(message, 16)).toBe('a.cn');
    expect(readName(message, 20)).toBe('b.a.cn');
    expect(readName(message, 24)).toBe('b.a.cn');
  });

  test('end the name in the message', () => {
    expect([12, 16, 20, 24].map((at) => skipName(message, at))).toEqual([16, 20, 24, 26]);
    expect([12, 16, 20, 24].map((at) => pointerOf(message, at))).toEqual([-1, 18, 22, 24]);
  });
});

test.each([
  ['a label of 64 bytes', [...label(64), 0]],
  ['label type 10', [0x80, 1, 0]],
  ['no end', [1, 0x61]],
  ['a label cut short', [5, 0x61]],
  ['half a pointer', [0xc0]],
  ['a pointer to itself', [0xc0, 12]],
  ['a pointer to a label of its own', [1, 0x61, 0xc0, 12]],
  ['a pointer forwards', [0xc0, 14, 0]],
  ['a pointer into the header', [0xc0, 0]],
  ['a pointer behind the message', [0xff, 0xff]],
  ['256 bytes in all', [...label(63), ...label(63), ...label(63), ...label(62), 0]],
  ['300 bytes in all', [...label(63), ...label(63), ...label(63), ...label(63), ...label(43), 0]],
] as const)('malformed: %s', (_, bytes) => {
  const message = behindHeader(...bytes);
  expect(readName(message, AT)).toBeUndefined();
  expect(skipName(message, AT)).toBe(-1);
});

test('malformed: over 255 bytes by a pointer, though each part is short enough', () => {
  const tail = [...label(63), ...label(63), ...label(63), 0];
  const message = behindHeader(...tail, ...label(63), 0xc0, AT);
  expect(readName(message, AT + tail.length)).toBeUndefined();
});

test('a message of 64 KiB that is all pointers, each to the one before, is not followed to its end', () => {
  const message = new Uint8Array(65535);
  for (let at = 14; at + 1 < 0x4000; at += 2) message.set([0xc0 | ((at - 2) >> 8), (at - 2) & 0xff], at);
  expect(readName(message, 0x3ffc)).toBeUndefined();
  expect(readName(message, 14 + 2 * 126)).toBe('');
});

test('any name at any place of any message reads as the slow reader reads it', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 80 })), fc.nat(), (message, place) => {
      const at = place % (message.length + 2);
      let slow: { text: string; end: number } | undefined;
      try {
        const { labels, end } = slowName(message, at);
        slow = { text: slowText(labels), end };
      } catch (error) {
        expect(error).toBeInstanceOf(Malformed);
      }
      expect(readName(message, at)).toBe(slow?.text);
      if (slow) expect(skipName(message, at)).toBe(slow.end);
    }),
    { numRuns: 2000 },
  );
});

describe('encoding', () => {
  test('gives back the wire form of every text that reading gives, in lower case', () => {
    fc.assert(
      fc.property(name, (labels) => {
        const lower = labels.map((label) =>
          label.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
        );
        const text = readName(behindHeader(...wire(labels)), AT);
        expect(text === undefined ? undefined : [...encodeName(text)!]).toEqual(wire(lower));
      }),
    );
  });

  test.each([
    ['', [0]],
    ['.', [0]],
    ['Www.cn', [3, 0x57, 0x77, 0x77, 2, 0x63, 0x6e, 0]],
    ['cn.', [2, 0x63, 0x6e, 0]],
    ['*.a', [1, 0x2a, 1, 0x61, 0]],
    ['a\\.b', [3, 0x61, 0x2e, 0x62, 0]],
    ['a\\046b', [3, 0x61, 0x2e, 0x62, 0]],
    ['\\255\\\\', [2, 0xff, 0x5c, 0]],
  ])('%p', (text, bytes) => {
    expect([...encodeName(text)!]).toEqual(bytes);
  });

  test.each([
    '..',
    '.a',
    'a..b',
    'a..',
    'a b',
    'ä.example',
    'a\n',
    '\\',
    'a\\',
    '\\256',
    '\\1',
    '\\12',
    '\\ ',
    'a'.repeat(64),
    `${'a'.repeat(64)}.cn`,
    'a.'.repeat(128),
    [63, 63, 63, 62].map((length) => 'a'.repeat(length)).join('.'),
    'x'.repeat(100_000),
  ])('%#: no name', (text) => {
    expect(encodeName(text)).toBeUndefined();
  });

  test('takes the longest names', () => {
    const longest = [63, 63, 63, 61].map((length) => 'a'.repeat(length)).join('.');
    expect(encodeName(longest)).toHaveLength(255);
    expect(encodeName(`${longest}.`)).toHaveLength(255);
    expect(encodeName('a.'.repeat(127))).toHaveLength(255);
  });

  test('never throws, and what it encodes reads as the same name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'B', '.', '\\', '0', '2', '9', ' ', 'é'), maxLength: 40 }),
        (text) => {
          const encoded = encodeName(text);
          if (!encoded) return;
          const again = readName(behindHeader(...encoded), AT)!;
          expect(encodeName(again)).toEqual(
            encoded.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte)),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });
});
