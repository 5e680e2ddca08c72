import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { minTtl, setTtls, ttlOffsets } from '../../../src/dns/wire/ttl.ts';
import { anyAnswer, write, type TestMessage } from './messages.ts';
import { slowRead } from './slow_reader.ts';

const OPT = 41;
/** RFC 2181 §8. */
const effective = (ttl: number) => (ttl >= 2 ** 31 ? 0 : ttl);

/** The same message with each record's TTL changed, OPT's not. */
function changed(message: TestMessage, change: (ttl: number) => number): TestMessage {
  const all = (records: TestMessage['answer']) =>
    records.map((record) => (record.type === OPT ? record : { ...record, ttl: change(record.ttl) }));
  return {
    ...message,
    answer: all(message.answer),
    authority: all(message.authority),
    additional: all(message.additional),
  };
}

test('clamping changes the TTLs and nothing else', () => {
  fc.assert(
    fc.property(anyAnswer, fc.nat(100), fc.nat(90_000), (answer, least, more) => {
      const message = write(answer);
      setTtls(message, ttlOffsets(message)!, least, least + more);
      const clamped = write(
        changed(answer, (ttl) => Math.min(least + more, Math.max(least, effective(ttl)))),
      );
      expect(Buffer.from(message).equals(clamped)).toBeTrue();
    }),
  );
});

test('the lowest TTL', () => {
  fc.assert(
    fc.property(anyAnswer, (answer) => {
      const message = write(answer);
      const ttls = slowRead(message)
        .records.filter(({ type }) => type !== OPT)
        .map(({ ttl }) => effective(ttl));
      expect(minTtl(message)).toBe(ttls.length === 0 ? undefined : Math.min(...ttls));
    }),
  );
});

test('a malformed message has no TTLs', () => {
  expect(ttlOffsets(new Uint8Array(11))).toBeUndefined();
  expect(minTtl(new Uint8Array(11))).toBeUndefined();
});
