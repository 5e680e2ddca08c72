import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { NO_RANGES } from '../../src/net/ranges.ts';
import { decodeRanges, encodeRanges, RangesFileError } from '../../src/route/cn_format.ts';
import { rangesFrom } from '../net/ranges_from.ts';
import { dualRanges } from './arbitraries.ts';

const DATE = '2026-06-17';
const HEADER = 21;
const sample = rangesFrom('1.0.1.0/24', '1.0.8.0/21', '2001:250::/32', '240e::/20');

/** A file with these bytes behind a header that is right about them. */
function fileOf(v4: number, v6: number, body: readonly number[]): Uint8Array {
  const file = new Uint8Array([...encodeRanges({ date: DATE, ranges: NO_RANGES }), ...body]);
  const view = new DataView(file.buffer);
  view.setUint32(13, v4);
  view.setUint32(17, v6);
  view.setUint32(5, crc32(file.subarray(9)));
  return file;
}

function statusOf(file: Uint8Array): string {
  try {
    decodeRanges(file);
    return 'ok';
  } catch (error) {
    return error instanceof RangesFileError ? error.status : `not ours: ${String(error)}`;
  }
}

test('any ranges come back as they went in', () => {
  fc.assert(
    fc.property(dualRanges(), (ranges) => {
      expect(decodeRanges(encodeRanges({ date: DATE, ranges }))).toEqual({ date: DATE, ranges });
    }),
  );
});

test('the layout is as documented', () => {
  const ranges = rangesFrom('1.0.1.0/24', '1.0.8.0/21');
  const file = encodeRanges({ date: DATE, ranges });
  expect(Buffer.from(file.subarray(0, 5)).toString('latin1')).toBe('SNRG\x01');
  expect([...file.subarray(HEADER)]).toEqual(
    [
      [0x01, 1, 0, 1], // 1.0.1.0
      [0x31], // 1.0.1.255
      [0x21, 8], // 1.0.8.0
      [0x21, 15], // 1.0.15.255
    ].flat(),
  );
});

test('a date of another form is refused', () => {
  expect(() => encodeRanges({ date: '17.06.2026', ranges: NO_RANGES })).toThrow(RangeError);
});

describe('a damaged file says so', () => {
  const file = encodeRanges({ date: DATE, ranges: sample });

  test('cut short anywhere', () => {
    for (let length = 0; length < file.length; length++) {
      expect(statusOf(file.subarray(0, length))).toBe('ERR_RANGES_CORRUPT');
    }
  });

  test('one bit flipped anywhere', () => {
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const flipped = file.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(statusOf(flipped)).toBe(bit >> 3 === 4 ? 'ERR_RANGES_VERSION' : 'ERR_RANGES_CORRUPT');
    }
  });

  test('something behind its end', () => {
    expect(statusOf(new Uint8Array([...file, 0]))).toBe('ERR_RANGES_CORRUPT');
  });

  test.each([
    ['more ranges than bytes', fileOf(0xffffffff, 0, [0x04, 0x04]), 'do not fit'],
    ['bytes behind the last range', fileOf(0, 0, [0]), '1 bytes follow'],
    ['an address that is cut short', fileOf(1, 0, [0x04, 0x00, 1, 2]), 'byte 22 cannot be an address'],
    ['an address of more than all its bytes', fileOf(1, 0, [0x04, 0x35]), 'byte 22 cannot be an address'],
    ['a range that ends before it begins', fileOf(1, 0, [0x00, 9, 9, 9, 9, 0x30, 8]), 'breaks the order'],
    // 0.0.0.0-0.255.255.255, 1.0.0.0-1.255.255.255
    ['ranges that touch', fileOf(2, 0, [0x04, 0x13, 0x03, 1, 0x13]), 'breaks the order'],
    // ::/64, 0:0:0:1::/64: the successor of the first's end is a carry over two words.
    ['ranges that touch, IPv6', fileOf(0, 2, [0x0f, 0, 0x88, 0x78, 1, 0x88]), 'breaks the order'],
  ])('%s, checksum right', (_, bytes, why) => {
    expect(statusOf(bytes)).toBe('ERR_RANGES_CORRUPT');
    expect(() => decodeRanges(bytes)).toThrow(why);
  });

  test('random bytes behind a true header throw nothing but its own error', () => {
    fc.assert(
      fc.property(fc.nat(4), fc.nat(4), fc.array(fc.nat(255), { maxLength: 60 }), (v4, v6, body) => {
        const given = fileOf(v4, v6, body);
        const status = statusOf(given);
        expect(['ok', 'ERR_RANGES_CORRUPT']).toContain(status);
        if (status === 'ok') {
          const { ranges } = decodeRanges(given);
          expect(decodeRanges(encodeRanges({ date: DATE, ranges })).ranges).toEqual(ranges);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
