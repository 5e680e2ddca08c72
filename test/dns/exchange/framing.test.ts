import { expect, test } from 'bun:test';
import { array, assert, nat, property, uint8Array } from 'fast-check';
import { ExchangeError } from '../../../src/dns/exchange/exchange.ts';
import { createUnframer, frame } from '../../../src/dns/exchange/framing.ts';

const message = uint8Array({ minLength: 12, maxLength: 300 });

/** The bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return sorted.slice(1).map((end, i) => bytes.slice(sorted[i], end));
}

test('messages come out whole and in order, wherever the stream was cut', () => {
  assert(
    property(array(message, { maxLength: 6 }), array(nat(), { maxLength: 20 }), (messages, places) => {
      const unframe = createUnframer();
      const out = cut(Buffer.concat(messages.map(frame)), places).flatMap((part) => {
        const whole = unframe(part).map((one) => one.slice());
        // The bytes are not kept.
        part.fill(0xff);
        return whole;
      });
      expect(out).toEqual(messages.map((one) => new Uint8Array(one)));
    }),
  );
});

test('messages come out byte by byte, the longest as well', () => {
  const longest = crypto.getRandomValues(new Uint8Array(0xffff));
  const unframe = createUnframer();
  const out = [...frame(longest)].flatMap((byte) => unframe(Uint8Array.of(byte)));
  expect(out).toEqual([longest]);
});

test.each([0, 1, 11])('a length of %i is none of a message', (length) => {
  const unframe = createUnframer();
  const good = new Uint8Array(12);
  expect(unframe(frame(good))).toEqual([good]);
  expect(() => unframe(Uint8Array.of(0, length))).toThrow(ExchangeError);
});

test('random bytes throw nothing but the exchange’s error', () => {
  assert(
    property(array(uint8Array({ maxLength: 40 })), (parts) => {
      const unframe = createUnframer();
      try {
        for (const part of parts) unframe(part);
      } catch (error) {
        expect(error).toMatchObject({ status: 'ERR_DNS_PROTOCOL' });
      }
    }),
  );
});

test('more than a length can say is refused', () => {
  expect(() => frame(new Uint8Array(0x10000))).toThrow(RangeError);
});
