import { describe, expect, test } from 'bun:test';
import { read } from 'bun:ffi';
import * as fc from 'fast-check';
import { at, lend, Pinned, pinForever, type Address, type Span } from '../../ffi/memory.ts';

/** What C would read there. */
function byteAt(address: Address, offset = 0): number {
  return read.u8(address, offset);
}

/** Arrays of up to 1000 bytes live in the engine's heap and move, larger ones do not. */
const SIZES = [1, 999, 1000, 1001, 100_000];

describe('Pinned', () => {
  test.each(SIZES)(
    'of %d bytes stays where it is when its buffer is touched and after collections',
    (size) => {
      const pinned = new Pinned(size);
      expect(pinned.bytes).toEqual(new Uint8Array(size));
      const view = new DataView(pinned.bytes.buffer);
      for (let i = 0; i < 100; i++) {
        pinned.bytes.subarray(0, 1);
        view.setUint8(size - 1, i);
        if (i % 20 === 0) Bun.gc(true);
        expect(byteAt(pinned.address, size - 1)).toBe(i);
      }
    },
  );

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('has no size %p', (size) => {
    expect(() => new Pinned(size)).toThrow(RangeError);
  });

  test('for ever outlives everybody who knows it', () => {
    const addresses = Array.from({ length: 200 }, (_, i) => {
      const pinned = pinForever(8);
      pinned.bytes.fill(i);
      return pinned.address;
    });
    Bun.gc(true);
    // Whoever got the memory of a collected cell would write to it here.
    const others = Array.from({ length: 20_000 }, () => new Uint8Array(new ArrayBuffer(8)).fill(0xee));
    expect(addresses.map((address) => byteAt(address, 7))).toEqual(addresses.map((_, i) => i));
    expect(others.length).toBe(20_000);
  });
});

describe('lend', () => {
  test('shows C the very bytes, and no others', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SIZES), fc.nat(255), (size, fill) => {
        const bytes = Buffer.alloc(size, fill);
        lend(bytes, (span) => {
          expect(span.bytes.byteLength).toBe(size);
          expect([byteAt(span.address), byteAt(span.address, size - 1)]).toEqual([fill, fill]);
          expect(() => at(span, 0, size + 1)).toThrow(RangeError);
        });
      }),
    );
  });

  test('of nothing is a loan of nothing', () => {
    expect(lend(new Uint8Array(0), (span) => span.bytes.byteLength)).toBe(0);
  });

  test('hands on the result and the error', () => {
    expect(lend(Uint8Array.of(7), () => 'result')).toBe('result');
    expect(() =>
      lend(Uint8Array.of(7), () => {
        throw new Error('of the use');
      }),
    ).toThrow('of the use');
  });

  test('within a loan leaves the first as it is, also after a loan that failed', () => {
    const seen: number[] = [];
    const read = (span: Span) => seen.push(byteAt(span.address));
    lend(Uint8Array.of(1), (outer) => {
      expect(() =>
        lend(Uint8Array.of(2), () => {
          throw new Error('failed');
        }),
      ).toThrow('failed');
      lend(Uint8Array.of(3), (inner) => {
        read(outer);
        read(inner);
      });
      read(outer);
    });
    expect(seen).toEqual([1, 3, 1]);
  });

  test('notices that the bytes went away meanwhile', () => {
    const bytes = new Uint8Array(new ArrayBuffer(2000));
    expect(() => lend(bytes, () => structuredClone(bytes, { transfer: [bytes.buffer] }))).toThrow('detached');
  });
});

describe('at', () => {
  const span = new Pinned(100);

  test('is the address of that byte', () => {
    span.bytes.set([5, 6, 7], 97);
    expect(byteAt(at(span, 98, 2))).toBe(6);
    expect(at(span, 100, 0)).toBe((span.address + 100) as Address);
  });

  test('refuses every range that does not lie inside', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -200, max: 200 }),
        fc.integer({ min: -200, max: 200 }),
        (offset, length) => {
          if (offset >= 0 && length >= 0 && offset + length <= 100) at(span, offset, length);
          else expect(() => at(span, offset, length)).toThrow(RangeError);
        },
      ),
      { numRuns: 1000 },
    );
    expect(() => at(span, Number.NaN, 1)).toThrow(RangeError);
    expect(() => at(span, 0, Number.NaN)).toThrow(RangeError);
    expect(() => at(span, 0, Number.POSITIVE_INFINITY)).toThrow(RangeError);
  });
});
