import { expect, test } from 'bun:test';
import { array, assert, nat, property, uint8Array } from 'fast-check';
import { createUnframer, frame } from '../../../src/dns/wire/framing.ts';
import { unframing } from './unframing.ts';

const message = uint8Array({ maxLength: 600 });

/** The bytes, cut at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const inner = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  const ends = [...inner, bytes.length];
  return ends.map((end, i) => new Uint8Array(bytes.subarray(ends[i - 1] ?? 0, end)));
}

test('messages come out whole and in order, wherever the stream is cut', () => {
  assert(
    property(array(message, { maxLength: 6 }), array(nat(), { maxLength: 20 }), (messages, places) => {
      const chunks = cut(Buffer.concat(messages.map(frame)), places);
      const unframe = unframing();
      const out = chunks.flatMap((chunk) => {
        const whole = unframe(chunk);
        // What was taken out of is not needed any more.
        chunk.fill(0xff);
        return whole;
      });
      expect(out).toEqual(messages);
    }),
  );
});

test('messages may be taken out long after they came', () => {
  assert(
    property(array(message, { maxLength: 6 }), array(nat(), { maxLength: 20 }), (messages, places) => {
      const unframer = createUnframer();
      for (const chunk of cut(Buffer.concat(messages.map(frame)), places)) unframer.push(chunk);
      for (const one of messages) expect(new Uint8Array(unframer.next()!)).toEqual(one);
      expect(unframer.next()).toBeUndefined();
    }),
  );
});

test('messages come out byte by byte, the longest as well', () => {
  const longest = crypto.getRandomValues(new Uint8Array(0xffff));
  const unframe = unframing();
  const out = [...frame(longest), ...frame(Uint8Array.of(8))].flatMap((byte) => unframe(Uint8Array.of(byte)));
  expect(out).toEqual([longest, Uint8Array.of(8)]);
});

test('a message of no bytes is one, too', () => {
  const unframe = unframing();
  expect(unframe(Uint8Array.of(0, 1, 9, 0))).toEqual([Uint8Array.of(9)]);
  expect(unframe(Uint8Array.of(0))).toEqual([new Uint8Array(0)]);
});

test('a message is framed as RFC 1035 has it', () => {
  expect(frame(new Uint8Array(0x0102).fill(7)).subarray(0, 3)).toEqual(Uint8Array.of(1, 2, 7));
});

test('more than a length can say is refused', () => {
  expect(() => frame(new Uint8Array(0x10000))).toThrow(RangeError);
});
