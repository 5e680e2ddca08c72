import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { readName } from '../../../src/dns/wire/names.ts';
import { layoutOf } from '../../../src/dns/wire/records.ts';
import { u32 } from '../../../src/dns/wire/header.ts';
import { anyAnswer, mutated, write } from './messages.ts';
import { slowRead, slowReadIfWhole, type SlowMessage } from './slow_reader.ts';

/** What the quick reader makes of a message, in the slow one's words, without the data. */
function quick(message: Uint8Array) {
  return layoutOf(message)?.records.map((record) => ({
    section: record.section,
    owner: readName(message, record.at),
    type: record.type,
    class: record.class,
    ttl: u32(message, record.ttlAt),
  }));
}

const withoutData = (message: SlowMessage) =>
  message.records.map(({ section, owner, type, class: class_, ttl }) => ({
    section,
    owner,
    type,
    class: class_,
    ttl,
  }));

test('records stand where the slow reader finds them', () => {
  fc.assert(
    fc.property(anyAnswer, fc.boolean(), (answer, compress) => {
      const message = write(answer, compress);
      expect(quick(message)).toEqual(withoutData(slowRead(message)));
      expect(layoutOf(message)!.records.at(-1)?.end ?? message.length).toBe(message.length);
    }),
  );
});

test('of mutated messages too; one without a layout is malformed to the slow reader as well', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), (message) => {
      const found = slowReadIfWhole(message);
      if (found) expect(quick(message)).toEqual(withoutData(found));
      const layout = layoutOf(message);
      for (const record of layout?.records ?? []) expect(record.end).toBeLessThanOrEqual(message.length);
    }),
    { numRuns: 2000 },
  );
});

test('an answer cut at any byte has no layout', () => {
  fc.assert(
    fc.property(anyAnswer, (answer) => {
      const message = write(answer);
      for (let end = 0; end < message.length; end++)
        expect(layoutOf(message.subarray(0, end))).toBeUndefined();
    }),
    { numRuns: 20 },
  );
});

test('65,535 bytes of the shortest records there are', () => {
  const message = new Uint8Array(65535);
  const count = Math.floor((65535 - 12) / 11);
  message[6] = count >> 8;
  message[7] = count & 0xff;
  expect(layoutOf(message)?.records).toHaveLength(count);
  message[6] = 0xff;
  expect(layoutOf(message)).toBeUndefined();
});
