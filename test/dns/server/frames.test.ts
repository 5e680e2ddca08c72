import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { frame } from '../../../src/dns/exchange/framing.ts';
import { createFrames, type Frames } from '../../../src/dns/server/frames.ts';

function read(chunks: readonly Uint8Array[]): Uint8Array[] {
  const frames = createFrames();
  return chunks.flatMap((chunk) => {
    frames.push(chunk);
    return drain(frames);
  });
}

function drain(frames: Frames): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let next = frames.next(); next !== undefined; next = frames.next())
    messages.push(new Uint8Array(next));
  return messages;
}

describe('createFrames', () => {
  test('gives the same messages wherever the stream is cut', () => {
    const message = fc.uint8Array({ minLength: 1, maxLength: 600 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map((one) => frame(one)));
          const at = [
            0,
            ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b),
            stream.length,
          ];
          const chunks = at.slice(1).map((end, i) => new Uint8Array(stream.subarray(at[i], end)));
          expect(read(chunks)).toEqual(messages);
          const late = createFrames();
          for (const chunk of chunks) late.push(chunk);
          expect(drain(late)).toEqual(messages);
        },
      ),
    );
  });

  test('gives the same messages byte by byte', () => {
    const messages = [new Uint8Array(300).fill(7), new Uint8Array(1).fill(8)];
    const stream = Buffer.concat(messages.map((one) => frame(one)));
    expect(read([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(messages);
  });

  test('gives a message of no bytes as one', () => {
    expect(read([Uint8Array.of(0, 1, 9, 0), Uint8Array.of(0, 0)])).toEqual([
      Uint8Array.of(9),
      new Uint8Array(0),
    ]);
  });
});
