import { describe, expect, test } from 'bun:test';
import { decode } from 'dns-packet';
import * as fc from 'fast-check';
import { RCODE, TYPE } from '../../../src/dns/wire/constants.ts';
import { queryFor, readQuery } from '../../../src/dns/wire/query.ts';
import { anyQuery, mutated, name, named, opt, write, type TestMessage } from './messages.ts';
import { slowRead, slowText } from './slow_reader.ts';

const PLAIN: TestMessage = {
  id: 0x1234,
  flags: 0x0100,
  question: { name: named('Www.Example'), type: 1, class: 1 },
  answer: [],
  authority: [],
  additional: [],
};
const OPT = { owner: [], type: 41, class: 1232, ttl: 0, data: [] };
const A = { owner: named('a'), type: 1, class: 1, ttl: 5, data: [{ bytes: [1, 2, 3, 4] }] };

test('a plain query', () => {
  expect(readQuery(write(PLAIN))).toEqual({
    question: {
      name: 'www.example',
      type: 1,
      class: 1,
      end: 29,
      edns: undefined,
      recursionDesired: true,
      checkingDisabled: false,
    },
  });
});

test('every query reads as it was written', () => {
  fc.assert(
    fc.property(anyQuery, (query) => {
      const bytes = write(query);
      const [opt] = query.additional;
      expect(readQuery(bytes)).toEqual({
        question: {
          name: slowText(query.question.name),
          type: query.question.type,
          class: query.question.class,
          end: write({ ...query, additional: [] }).length,
          edns: opt && { payload: Math.max(512, opt.class), dnssecOk: (opt.ttl & 0x8000) !== 0 },
          recursionDesired: (query.flags & 0x0100) !== 0,
          checkingDisabled: (query.flags & 0x0010) !== 0,
        },
      });
    }),
  );
});

test('other records beside OPT, and bytes behind the last, are no fault', () => {
  const bytes = write({ ...PLAIN, answer: [A], authority: [A], additional: [A, OPT, A] });
  expect(readQuery(Buffer.concat([bytes, Uint8Array.of(1, 2, 3)])).question?.edns).toEqual({
    payload: 1232,
    dnssecOk: false,
  });
});

describe('refused', () => {
  const patched = (at: number, ...bytes: readonly number[]) => {
    const message = write(PLAIN);
    message.set(bytes, at);
    return message;
  };
  test.each([
    ['no question', patched(4, 0, 0), RCODE.FORMERR],
    ['two questions', patched(4, 0, 2), RCODE.FORMERR],
    ['65,535 questions', patched(4, 0xff, 0xff), RCODE.FORMERR],
    ['a header only', write(PLAIN).slice(0, 12), RCODE.FORMERR],
    ['a count of answers that lies', patched(6, 0, 1), RCODE.FORMERR],
    ['a count of additional records that lies', patched(10, 0xff, 0xff), RCODE.FORMERR],
    ['a pointer to itself in the name', patched(12, 0xc0, 12), RCODE.FORMERR],
    ['a label of 64 bytes', patched(12, 64), RCODE.FORMERR],
    ['two OPT records', write({ ...PLAIN, additional: [OPT, OPT] }), RCODE.FORMERR],
    [
      'an OPT record with an owner',
      write({ ...PLAIN, additional: [{ ...OPT, owner: named('a') }] }),
      RCODE.FORMERR,
    ],
    ['an OPT record among the answers', write({ ...PLAIN, answer: [OPT] }), RCODE.FORMERR],
    ['IQUERY', write({ ...PLAIN, flags: 0x0800 }), RCODE.NOTIMP],
    ['NOTIFY', write({ ...PLAIN, flags: 0x2000 }), RCODE.NOTIMP],
    ['UPDATE', write({ ...PLAIN, flags: 0x2800 }), RCODE.NOTIMP],
    ['opcode 15', write({ ...PLAIN, flags: 0x7800 }), RCODE.NOTIMP],
  ])('%s', (_, message, rcode) => {
    expect(readQuery(message)).toEqual({ refuse: rcode, question: undefined });
  });

  test('another version of EDNS, with the question: the answer needs an OPT record', () => {
    const read = readQuery(write({ ...PLAIN, additional: [{ ...OPT, ttl: 0x00018000 }] }));
    expect(read.refuse).toBe(RCODE.BADVERS);
    expect(read.question?.edns).toEqual({ payload: 1232, dnssecOk: true });
  });
});

test.each([
  ['nothing', new Uint8Array(0)],
  ['less than a header', write(PLAIN).slice(0, 11)],
  ['an answer', write({ ...PLAIN, flags: 0x8180 })],
])('dropped: %s', (_, message) => {
  expect(readQuery(message)).toEqual({ drop: true });
});

test('a query cut at any byte is refused or dropped, and never read', () => {
  fc.assert(
    fc.property(anyQuery, (query) => {
      const bytes = write(query);
      for (let end = 0; end < bytes.length; end++) {
        const read = readQuery(bytes.subarray(0, end));
        expect(read).toEqual(end < 12 ? { drop: true } : { refuse: RCODE.FORMERR, question: undefined });
      }
    }),
    { numRuns: 30 },
  );
});

test('anything at all: a question as the slow reader sees it, an RCODE, or silence', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (message) => {
      // As a query, so that more of them get past the header.
      if (message.length > 2) message[2]! &= 0x07;
      const { question, refuse, drop } = readQuery(message);
      expect([question !== undefined, refuse !== undefined, drop === true]).toContain(true);
      if (!question) return;
      const first = slowRead(message.slice(0, question.end).fill(0, 6, 12));
      expect(first.questions).toEqual([{ name: question.name, type: question.type, class: question.class }]);
    }),
    { numRuns: 2000 },
  );
});

describe('queries of our own', () => {
  test('are read by dns-packet', () => {
    const query = queryFor('www.Example.com', TYPE.AAAA, { id: 7, dnssecOk: true, payload: 4000 })!;
    expect(decode(Buffer.from(query))).toMatchObject({
      id: 7,
      type: 'query',
      opcode: 'QUERY',
      flag_rd: true,
      questions: [{ name: 'www.Example.com', type: 'AAAA', class: 'IN' }],
      additionals: [{ type: 'OPT', udpPayloadSize: 4000, flag_do: true, ednsVersion: 0, options: [] }],
    });
  });

  test('are read as what was asked for', () => {
    fc.assert(
      fc.property(
        name,
        fc.nat(0xffff),
        fc.boolean(),
        fc.boolean(),
        (labels, type, recursionDesired, dnssecOk) => {
          const text = slowText(labels);
          const { question } = readQuery(queryFor(text, type, { recursionDesired, dnssecOk })!);
          expect(question).toMatchObject({
            name: text,
            type,
            class: 1,
            edns: { payload: 1232, dnssecOk },
            recursionDesired,
            checkingDisabled: false,
          });
          expect(readQuery(queryFor(text, type, { payload: null })!).question?.edns).toBeUndefined();
        },
      ),
    );
  });

  test('of a name that can be none: none', () => {
    expect(queryFor('a..b', 1)).toBeUndefined();
  });
});

test('a client may have any EDNS option', () => {
  fc.assert(
    fc.property(opt, (record) => {
      expect(readQuery(write({ ...PLAIN, additional: [record] })).question?.edns).toBeDefined();
    }),
  );
});
