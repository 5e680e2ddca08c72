import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  ATTRIBUTE_MAX,
  attribute,
  concat,
  nested,
  readAttributes,
  readString,
  readU32,
  string,
  u32,
} from '../../../src/redirect/nftables/attribute.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('encoding', () => {
  test('numbers are big-endian, headers are not', () => {
    expect(hex(u32(2, 0x01020304))).toBe('0800020001020304');
    expect(hex(u32(2, -5))).toBe('08000200fffffffb');
  });

  test('text ends with a NUL, the value is padded, the length is not', () => {
    expect(hex(string(1, 'snet'))).toBe('09000100736e657400000000');
    expect(hex(string(1, 'nat'))).toBe('080001006e617400');
  });

  test('nested attributes carry their flag', () => {
    expect(hex(nested(4, u32(1, 3)))).toBe('0c0004800800010000000003');
  });

  test('the longest value fits; one byte more is an error of the program', () => {
    const longest = attribute(3, new Uint8Array(ATTRIBUTE_MAX));
    expect(longest.length).toBe(65536);
    expect(hex(longest.subarray(0, 4))).toBe('ffff0300');
    expect(() => attribute(3, new Uint8Array(ATTRIBUTE_MAX + 1))).toThrow(RangeError);
    expect(() => nested(3, new Uint8Array(ATTRIBUTE_MAX), u32(1, 1))).toThrow(
      'netlink attribute 3 of 65539 bytes is too long',
    );
  });
});

describe('readAttributes()', () => {
  test('reads what was written, whatever the lengths', () => {
    const entries = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 0, max: 0x3fff }), fc.uint8Array({ maxLength: 70 })),
      {
        selector: ([type]) => type,
      },
    );
    fc.assert(
      fc.property(entries, (entries) => {
        const bytes = concat(entries.map(([type, value]) => attribute(type, value)));
        const read = Array.from(readAttributes(bytes), ([type, value]) => [type, hex(value)]);
        expect(read).toEqual(entries.map(([type, value]) => [type, hex(value)]));
      }),
    );
  });

  test('gives what is whole, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const value of readAttributes(bytes).values()) {
          readU32(value);
          readString(value);
        }
      }),
    );
    const whole = concat([u32(1, 7), string(2, 'cut')]);
    for (let end = 8; end < 16; end++) {
      const read = readAttributes(whole.subarray(0, end));
      expect([readU32(read.get(1)), read.size]).toEqual([7, 1]);
    }
  });

  test('a number of the wrong size is none', () => {
    expect(readU32(new Uint8Array(3))).toBeUndefined();
    expect(readU32(undefined)).toBeUndefined();
  });
});
