import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { linesOf } from '../../src/base/lines.ts';

const streamOf = (pieces: readonly Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

const linesIn = (...pieces: string[]) =>
  Array.fromAsync(linesOf(streamOf(pieces.map((text) => Buffer.from(text)))));

test('linesOf() gives the lines, however they are cut', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(100)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const ends = [...cuts.sort((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
      expect(await Array.fromAsync(linesOf(streamOf(pieces)))).toEqual(lines);
    }),
  );
});

test('linesOf() gives a last line that has no end', async () => {
  expect(await linesIn('one\ntwo')).toEqual(['one', 'two']);
  expect(await linesIn('')).toEqual([]);
});

test('linesOf() does not wait for the end of a line that has none', async () => {
  const piece = 'x'.repeat(5_000);
  const lines = await linesIn(...Array.from({ length: 100 }, () => piece));
  expect(lines.join('')).toBe(piece.repeat(100));
  for (const line of lines) expect(line.length).toBeLessThan(14_000);
});

test('linesOf() takes a pipe that breaks for an end', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error('EPIPE'));
    },
    start(controller) {
      controller.enqueue(Buffer.from('one\ntw'));
    },
  });
  // What was queued is lost with the error; what matters is that there is none here.
  expect((await Array.fromAsync(linesOf(broken))).length).toBeLessThanOrEqual(2);
});
