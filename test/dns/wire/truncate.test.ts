import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { isTruncated } from '../../../src/dns/wire/answer.ts';
import { fitted } from '../../../src/dns/wire/truncate.ts';
import { anyAnswer, mutated, named, write, type TestMessage } from './messages.ts';
import { slowRead, type SlowRecord } from './slow_reader.ts';

const OPT = 41;
const isOpt = ({ type }: SlowRecord) => type === OPT;

test('what fits is given back itself', () => {
  fc.assert(
    fc.property(anyAnswer, (answer) => {
      const message = write(answer);
      expect(fitted(message, message.length)).toBe(message);
    }),
  );
});

test('what does not fit keeps its question, its first records, and OPT; as many records as fit', () => {
  fc.assert(
    fc.property(anyAnswer, fc.integer({ min: 290, max: 600 }), (answer, limit) => {
      const message = write(answer);
      fc.pre(message.length > limit);
      const short = fitted(message, limit);
      const before = slowRead(message);
      const after = slowRead(short);
      expect(short.length).toBeLessThanOrEqual(limit);
      expect(after.id).toBe(before.id);
      expect(after.questions).toEqual(before.questions);
      const records = before.records.filter((record) => !isOpt(record));
      const left = after.records.filter((record) => !isOpt(record));
      expect(left).toEqual(records.slice(0, left.length));
      expect(after.records.filter(isOpt).map(({ ttl }) => ttl)).toEqual(
        before.records.filter(isOpt).map(({ ttl }) => ttl),
      );
      const lost = records.slice(left.length);
      const matters = lost.some(({ section }) => section !== 'additional');
      expect(after.flags).toBe(matters ? before.flags | 0x0200 : before.flags);
    }),
    { numRuns: 500 },
  );
});

const long: TestMessage = {
  id: 1,
  flags: 0x8180,
  question: { name: named('a.example'), type: 1, class: 1 },
  answer: Array.from({ length: 100 }, (_, i) => ({
    owner: named('a.example'),
    type: 1,
    class: 1,
    ttl: 60,
    data: [{ bytes: [192, 0, 2, i] }],
  })),
  authority: [],
  additional: [
    { owner: [], type: OPT, class: 1232, ttl: 0, data: [{ bytes: [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] }] },
  ],
};

test('not one record more would fit', () => {
  for (let limit = 512; limit < 560; limit++) {
    const short = fitted(write(long), limit);
    expect(short.length).toBeLessThanOrEqual(limit);
    expect(short.length + 16).toBeGreaterThan(limit);
    expect(isTruncated(short)).toBeTrue();
  }
});

test('records of 64 KiB', () => {
  const many = { ...long, answer: Array.from({ length: 4090 }, (_, i) => long.answer[i % 100]!) };
  expect(write(many).length).toBeGreaterThan(65_000);
  const [question, opt, record] = [15, 23, 16];
  const kept = Math.floor((512 - 12 - question - opt) / record);
  expect(slowRead(fitted(write(many), 512)).records).toHaveLength(kept + 1);
});

test('a record that alone is too long is cut, and an OPT record loses options that are', () => {
  const big = { ...long.answer[0]!, type: 16, data: [{ bytes: Array<number>(2000).fill(0) }] };
  const padding = {
    ...long.additional[0]!,
    data: [{ bytes: [0, 12, 4, 0, ...Array<number>(1024).fill(0)] }],
  };
  const short = fitted(write({ ...long, answer: [big], additional: [padding] }), 512);
  expect(slowRead(short).records).toMatchObject([{ type: OPT, data: '' }]);
  expect(isTruncated(short)).toBeTrue();
});

test('a malformed answer becomes a header with TC', () => {
  const message = write(long);
  message[6] = 0xff;
  expect(Buffer.from(fitted(message, 512)).toString('hex')).toBe('000183800000000000000000');
});

test('whatever it is given, the result fits', () => {
  fc.assert(
    fc.property(mutated, fc.integer({ min: 12, max: 300 }), (message, limit) => {
      expect(fitted(message, limit).length).toBeLessThanOrEqual(limit);
    }),
    { numRuns: 1000 },
  );
});
