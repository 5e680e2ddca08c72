import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { answers } from '../../../src/dns/wire/answer.ts';
import { mixedCase, RANDOM_SIZE } from '../../../src/dns/wire/mix_case.ts';
import { readQuery } from '../../../src/dns/wire/query.ts';
import { anyQuery, mutated, named, write } from './messages.ts';

const random = fc.uint8Array({ minLength: RANDOM_SIZE, maxLength: RANDOM_SIZE });

test('only the case of the name changes', () => {
  fc.assert(
    fc.property(anyQuery, random, (asked, random) => {
      const query = write(asked);
      const mixed = mixedCase(query, random);
      expect(readQuery(mixed)).toEqual(readQuery(query));
      mixed[2]! |= 0x80;
      expect(answers(query, mixed)).toBeTrue();
      expect([...mixed.subarray(readQuery(query).question!.end)]).toEqual([
        ...query.subarray(readQuery(query).question!.end),
      ]);
    }),
  );
});

test('each letter goes by a bit of its own', () => {
  const query = write({
    id: 1,
    flags: 0,
    question: { name: named('aB-1.cn'), type: 65, class: 1 },
    answer: [],
    authority: [],
    additional: [],
  });
  const name = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1', 12, 21);
  const with1 = (fill: number) => name(mixedCase(query, new Uint8Array(RANDOM_SIZE).fill(fill)));
  expect(with1(0)).toBe('\x04ab-1\x02cn\0');
  expect(with1(0xff)).toBe('\x04AB-1\x02CN\0');
  expect(with1(0b0100_0010)).toBe('\x04Ab-1\x02Cn\0');
  expect(query[21]! * 256 + query[22]!).toBe(65);
});

test('a malformed query is copied', () => {
  fc.assert(
    fc.property(mutated, random, (message, random) => {
      expect(mixedCase(message, random)).toHaveLength(message.length);
    }),
  );
});
