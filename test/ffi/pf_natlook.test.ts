import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { decodeNatlook, DIOCNATLOOK, encodeNatlook, SIZEOF_PFIOC_NATLOOK } from '../../ffi/pf_natlook.ts';

const CLIENT4 = { family: 4, bytes: Uint8Array.of(192, 168, 1, 2), port: 0xc001 } as const;
const LOCAL4 = { family: 4, bytes: Uint8Array.of(127, 0, 0, 1), port: 1111 } as const;
const CLIENT6 = { family: 6, bytes: Uint8Array.from({ length: 16 }, (_, i) => i + 1), port: 0xc001 } as const;
const LOCAL6 = { family: 6, bytes: new Uint8Array(16).fill(1, 15), port: 1111 } as const;

/** A struct of junk, to see that every byte of it is written. */
function struct(): Uint8Array {
  return new Uint8Array(84).fill(0xee);
}

describe('pfioc_natlook', () => {
  // The number and the offsets as clang computed them from the header, for both CPUs.
  test('has the size and the ioctl number of pfvar.h', () => {
    expect(SIZEOF_PFIOC_NATLOOK).toBe(84);
    expect(DIOCNATLOOK).toBe(0xc0544417);
    expect(DIOCNATLOOK).toBe(3226747927);
  });

  test('asks for an IPv4 connection', () => {
    const query = struct();
    encodeNatlook(CLIENT4, LOCAL4, query);
    const expected = new Uint8Array(84);
    expected.set([192, 168, 1, 2], 0);
    expected.set([127, 0, 0, 1], 16);
    expected.set([0xc0, 0x01], 64);
    expected.set([0x04, 0x57], 68);
    expected.set([2, 6, 0, 2], 80);
    expect(query).toEqual(expected);
  });

  test('asks for an IPv6 connection', () => {
    const query = struct();
    encodeNatlook(CLIENT6, LOCAL6, query);
    const expected = new Uint8Array(84);
    expected.set(CLIENT6.bytes, 0);
    expected.set(LOCAL6.bytes, 16);
    expected.set([0xc0, 0x01], 64);
    expected.set([0x04, 0x57], 68);
    expected.set([30, 6, 0, 2], 80);
    expect(query).toEqual(expected);
  });

  test('gives the destination from bytes 48 and 76, in memory of its own', () => {
    const answer = struct();
    encodeNatlook(CLIENT4, LOCAL4, answer);
    answer.set([203, 0, 113, 7], 48);
    answer.set([0x01, 0xbb], 76);
    const destination = decodeNatlook(answer);
    answer.fill(0);
    expect(destination).toEqual({ family: 4, bytes: Uint8Array.of(203, 0, 113, 7), port: 443 });

    encodeNatlook(CLIENT6, LOCAL6, answer);
    answer.set(CLIENT6.bytes, 48);
    answer.set([0xff, 0xfe], 76);
    expect(decodeNatlook(answer)).toEqual({ family: 6, bytes: CLIENT6.bytes, port: 0xfffe });
  });

  test('takes nothing from the other fields of an answer, nor from the rest of a port’s union', () => {
    const answer = struct();
    encodeNatlook(CLIENT4, LOCAL4, answer);
    answer.set([203, 0, 113, 7], 48);
    answer.set([0x01, 0xbb], 76);
    const expected = decodeNatlook(answer);
    for (const [from, to] of [
      [0, 48],
      [52, 76],
      [78, 80],
      [81, 84],
    ] as const) {
      const other = answer.slice();
      other.fill(0xee, from, to);
      expect(decodeNatlook(other)).toEqual(expected);
    }
  });

  test('a bare query is no answer', () => {
    const query = struct();
    encodeNatlook(CLIENT4, LOCAL4, query);
    expect(decodeNatlook(query)).toBeUndefined();
  });

  test('any other bytes are no answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 90 }), (junk) => {
        const decoded = decodeNatlook(junk);
        if (junk.length !== 84 || ![2, 30].includes(junk[80]!)) expect(decoded).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 84, maxLength: 84 }), fc.nat(255), (answer, af) => {
        answer[80] = af;
        expect(decodeNatlook(answer)?.family).toBe(
          (answer[76] || answer[77]) && af === 2
            ? 4
            : (answer[76] || answer[77]) && af === 30
              ? 6
              : undefined,
        );
      }),
    );
  });

  test('ends of two families, a wrong size, address or port are refused', () => {
    expect(() => encodeNatlook(CLIENT4, LOCAL6, struct())).toThrow(RangeError);
    expect(() => encodeNatlook(CLIENT4, LOCAL4, new Uint8Array(76))).toThrow(RangeError);
    expect(() => encodeNatlook({ ...CLIENT4, bytes: CLIENT6.bytes }, LOCAL4, struct())).toThrow(RangeError);
    expect(() => encodeNatlook(CLIENT4, { ...LOCAL4, port: 65_536 }, struct())).toThrow(RangeError);
  });
});
