import { describe, expect, test } from 'bun:test';
import { decode, encode, type Answer } from 'dns-packet';
import * as fc from 'fast-check';
import { formatAddress } from '../../../src/net/address.ts';
import {
  addressesOf,
  answers,
  copyFor,
  copyWithId,
  isTruncated,
  negativeTtl,
  rcodeOf,
} from '../../../src/dns/wire/answer.ts';
import { queryFor, readQuery } from '../../../src/dns/wire/query.ts';
import {
  anyAnswer,
  anyQuery,
  mutated,
  named,
  plainAnswer,
  write,
  type TestMessage,
  type TestRecord,
} from './messages.ts';
import { slowRead } from './slow_reader.ts';

const ANSWER: TestMessage = {
  id: 0x1234,
  flags: 0x8180,
  question: { name: named('www.example'), type: 1, class: 1 },
  answer: [],
  authority: [],
  additional: [],
};
const QUERY = write({ ...ANSWER, flags: 0x0100 });

const a = (owner: string, ...bytes: readonly number[]): TestRecord => ({
  owner: named(owner),
  type: bytes.length === 16 ? 28 : 1,
  class: 1,
  ttl: 60,
  data: [{ bytes }],
});
const cname = (owner: string, target: string): TestRecord => ({
  owner: named(owner),
  type: 5,
  class: 1,
  ttl: 60,
  data: [{ name: named(target), compressible: true }],
});

describe('what answers a query', () => {
  const other = (change: Partial<TestMessage>) => write({ ...ANSWER, ...change });

  test('one with its id and question, in any case', () => {
    expect(answers(QUERY, other({}))).toBeTrue();
    expect(answers(QUERY, other({ answer: [a('x', 1, 2, 3, 4)] }))).toBeTrue();
    const shouted = other({ question: { ...ANSWER.question, name: named('WWW.eXample') } });
    expect(answers(QUERY, shouted)).toBeTrue();
    expect(answers(QUERY, shouted, { exactCase: true })).toBeFalse();
    expect(answers(QUERY, other({}), { exactCase: true })).toBeTrue();
  });

  test('one with another id, if ids do not count', () => {
    expect(answers(QUERY, other({ id: 1 }), { id: false })).toBeTrue();
  });

  test.each([
    ['another id', other({ id: 0x1235 })],
    ['a query', other({ flags: 0x0100 })],
    ['another opcode', other({ flags: 0xa180 })],
    ['another name', other({ question: { ...ANSWER.question, name: named('wwx.example') } })],
    ['a name with other dots', other({ question: { ...ANSWER.question, name: named('www-example') } })],
    ['a longer name', other({ question: { ...ANSWER.question, name: named('www.example.a') } })],
    ['another type', other({ question: { ...ANSWER.question, type: 28 } })],
    ['another class', other({ question: { ...ANSWER.question, class: 3 } })],
    ['no question', Buffer.from(other({})).fill(0, 4, 6)],
    ['a header cut short', other({}).slice(0, 11)],
    ['a question cut short', other({}).slice(0, -1)],
    ['nothing', new Uint8Array(0)],
  ])('not: %s', (_, message) => {
    expect(answers(QUERY, message)).toBeFalse();
  });

  test('types are not letters: 65 (HTTPS) is not 97', () => {
    const https = write({ ...ANSWER, flags: 0x0100, question: { ...ANSWER.question, type: 65 } });
    expect(answers(https, other({ question: { ...ANSWER.question, type: 97 } }))).toBeFalse();
    expect(answers(https, other({ question: { ...ANSWER.question, type: 65 } }))).toBeTrue();
  });

  test('a query that has OPT, and an answer that has none', () => {
    expect(answers(queryFor('www.example', 1, { id: 0x1234 })!, other({}))).toBeTrue();
  });

  test('any query is answered by itself with QR set, and by no other', () => {
    fc.assert(
      fc.property(anyQuery, anyQuery, (one, two) => {
        const answer = write({ ...one, flags: one.flags | 0x8000 });
        expect(answers(write(one), answer, { exactCase: true })).toBeTrue();
        const key = ({ question: { name, type, class: class_ } }: TestMessage) =>
          JSON.stringify([name, type, class_]);
        if (key(one) !== key(two))
          expect(answers(write(two), answer, { id: false, exactCase: true })).toBeFalse();
      }),
    );
  });
});

describe('addresses', () => {
  const addresses = (...answer: readonly TestRecord[]) =>
    addressesOf(write({ ...ANSWER, answer })).map(formatAddress);

  test('of the name itself, both families, in order', () => {
    expect(
      addresses(
        a('WWW.example', 192, 0, 2, 1),
        a('www.example', ...Array<number>(15).fill(0), 1),
        a('www.example', 192, 0, 2, 2),
      ),
    ).toEqual(['192.0.2.1', '::1', '192.0.2.2']);
  });

  test('along CNAME records, whatever their order', () => {
    const records = [
      cname('www.example', 'CDN.example'),
      cname('cdn.example', 'edge.example'),
      a('Edge.example', 192, 0, 2, 3),
    ];
    expect(addresses(...records)).toEqual(['192.0.2.3']);
    expect(addresses(...records.toReversed())).toEqual(['192.0.2.3']);
  });

  test('of names that the question does not lead to are ignored', () => {
    expect(
      addresses(
        a('other.example', 192, 0, 2, 1),
        cname('x.example', 'y.example'),
        a('y.example', 192, 0, 2, 2),
        a('example', 192, 0, 2, 3),
      ),
    ).toEqual([]);
  });

  test('outside of the answer section, of another class, of another length are ignored', () => {
    const message = write({
      ...ANSWER,
      answer: [
        { ...a('www.example', 192, 0, 2, 1), class: 3 },
        { ...a('www.example', 1, 2, 3), type: 1 },
      ],
      authority: [a('www.example', 192, 0, 2, 2)],
      additional: [a('www.example', 192, 0, 2, 3)],
    });
    expect(addressesOf(message)).toEqual([]);
  });

  test('CNAME records in a circle end', () => {
    const circle = [
      cname('www.example', 'b'),
      cname('b', 'c'),
      cname('c', 'www.example'),
      a('c', 192, 0, 2, 1),
    ];
    expect(addresses(...circle)).toEqual(['192.0.2.1']);
    expect(addresses(cname('www.example', 'www.example'), a('www.example', 192, 0, 2, 2))).toEqual([
      '192.0.2.2',
    ]);
  });

  test('are copies', () => {
    const message = write({ ...ANSWER, answer: [a('www.example', 192, 0, 2, 1)] });
    const [address] = addressesOf(message);
    message.fill(0);
    expect(formatAddress(address!)).toBe('192.0.2.1');
  });

  test('a chain of thousands is followed without haste and without fault', () => {
    const chain = Array.from({ length: 2000 }, (_, i) =>
      cname(i === 0 ? 'www.example' : `n${i}`, `n${i + 1}`),
    );
    expect(addressesOf(write({ ...ANSWER, answer: [...chain, a('n2000', 192, 0, 2, 1)] }))).toHaveLength(1);
  });

  test('are those that a slow search finds, of any answer', () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        const message = write(answer);
        const { questions, records } = slowRead(message);
        const inAnswer = records.filter(({ section }) => section === 'answer');
        const chain = [questions[0]!.name];
        for (;;) {
          const next = inAnswer
            .find(({ type, owner }) => type === 5 && owner === chain.at(-1))
            ?.data.slice(1, -1);
          if (next === undefined || chain.includes(next)) break;
          chain.push(next);
        }
        expect(addressesOf(message).map(({ bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
          inAnswer
            .filter(
              (record) => [1, 28].includes(record.type) && record.class === 1 && chain.includes(record.owner),
            )
            .map(({ data }) => data),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('RCODE and TC', () => {
  test('with the upper bits of OPT', () => {
    const opt = { owner: [], type: 41, class: 1232, ttl: 0x01000000, data: [] };
    expect(rcodeOf(write({ ...ANSWER, flags: 0x8183 }))).toBe(3);
    expect(rcodeOf(write({ ...ANSWER, flags: 0x8187, additional: [a('x', 1, 2, 3, 4), opt] }))).toBe(23);
  });

  test('as dns-packet has them', () => {
    fc.assert(
      fc.property(plainAnswer, (answer) => {
        const message = write({ ...answer, additional: [] });
        const theirs = decode(Buffer.from(message)) as { rcode?: string; flag_tc?: boolean };
        expect(isTruncated(message)).toBe(theirs.flag_tc!);
        expect(['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN'][rcodeOf(message)]).toBe(theirs.rcode);
      }),
    );
  });
});

describe('for how long a "no" holds', () => {
  const soa = (ttl: number, minimum: number): TestRecord => ({
    owner: named('example'),
    type: 6,
    class: 1,
    ttl,
    data: [
      { name: named('ns.example'), compressible: true },
      { name: named('mail.www.example'), compressible: true },
      { bytes: [...Array<number>(16).fill(9), 0, 0, minimum >> 8, minimum & 0xff] },
    ],
  });
  const ttlOf = (...authority: readonly TestRecord[]) => negativeTtl(write({ ...ANSWER, authority }));

  test("is the lower of the SOA record's TTL and its MINIMUM", () => {
    expect(ttlOf(soa(300, 900))).toBe(300);
    expect(ttlOf(soa(900, 300))).toBe(300);
    expect(ttlOf(soa(0xffffffff, 300))).toBe(0);
    expect(ttlOf(a('x', 1, 2, 3, 4), soa(900, 300))).toBe(300);
  });

  test('is not said without one among the authority records, or by a malformed one', () => {
    expect(ttlOf()).toBeUndefined();
    expect(negativeTtl(write({ ...ANSWER, answer: [soa(1, 1)] }))).toBeUndefined();
    expect(ttlOf({ ...soa(1, 1), data: [{ bytes: [0, 0, 1] }] })).toBeUndefined();
    expect(ttlOf({ ...soa(1, 1), data: [{ bytes: [5] }] })).toBeUndefined();
    expect(ttlOf({ ...soa(1, 1), data: [] })).toBeUndefined();
  });
});

describe('copies', () => {
  test('with another id', () => {
    const message = write(ANSWER);
    const copy = copyWithId(message, 0xabcd);
    expect(Buffer.from(copy).equals(write({ ...ANSWER, id: 0xabcd }))).toBeTrue();
    expect(Buffer.from(message).equals(write(ANSWER))).toBeTrue();
  });

  test('for another query of the same question: its id, RD, CD, and the case it was asked in', () => {
    const stored = write({ ...ANSWER, answer: [a('www.example', 192, 0, 2, 1)] });
    const asked = {
      ...ANSWER,
      id: 9,
      flags: 0x0010,
      question: { ...ANSWER.question, name: named('WwW.ExamplE') },
    };
    const query = write(asked);
    const copy = copyFor(query, readQuery(query).question!, stored);
    expect(
      Buffer.from(copy).equals(write({ ...asked, flags: 0x8090, answer: [a('WwW.ExamplE', 192, 0, 2, 1)] })),
    ).toBeTrue();
    expect(answers(query, copy, { exactCase: true })).toBeTrue();
  });
});

const textual: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant('A' as const), name: fc.domain(), ttl: fc.nat(9999), data: fc.ipV4() }),
  fc.record({ type: fc.constant('AAAA' as const), name: fc.domain(), ttl: fc.nat(9999), data: fc.ipV6() }),
  fc.record({ type: fc.constant('CNAME' as const), name: fc.domain(), ttl: fc.nat(9999), data: fc.domain() }),
  fc.record({ type: fc.constant('TXT' as const), name: fc.domain(), ttl: fc.nat(9999), data: fc.string() }),
);

test('answers that dns-packet has written', () => {
  fc.assert(
    fc.property(
      fc.domain(),
      fc.array(textual, { maxLength: 5 }),
      fc.array(fc.ipV4(), { maxLength: 3 }),
      (name, others, own) => {
        const mine = own.map((data): Answer => ({ type: 'A', name, ttl: 5, data }));
        const message = encode({
          type: 'response',
          id: 7,
          questions: [{ type: 'A', name }],
          answers: [...others.filter((other) => other.name !== name && other.type !== 'CNAME'), ...mine],
        });
        expect(addressesOf(message).map(formatAddress)).toEqual(own);
        expect(answers(queryFor(name, 1, { id: 7 })!, message)).toBeTrue();
      },
    ),
  );
});

test('no message, however mutated, makes any of these throw', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ minLength: 12, maxLength: 200 })), (message) => {
      expect(
        addressesOf(message).every(({ family, bytes }) => bytes.length === (family === 4 ? 4 : 16)),
      ).toBeTrue();
      expect(answers(QUERY, message)).toBeBoolean();
      expect(answers(message, message)).toBeBoolean();
      expect(rcodeOf(message)).toBeWithin(0, 4096);
      expect(negativeTtl(message) ?? 0).toBeWithin(0, 2 ** 31);
    }),
    { numRuns: 2000 },
  );
});
