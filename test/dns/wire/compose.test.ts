import { describe, expect, test } from 'bun:test';
import { decode, type DecodedPacket } from 'dns-packet';
import * as fc from 'fast-check';
import { formatAddress, parseAddress, type Address } from '../../../src/net/address.ts';
import { address } from '../../net/arbitrary.ts';
import { addressesOf, answers, negativeTtl, rcodeOf } from '../../../src/dns/wire/answer.ts';
import { composeAddresses, composeFailure, composeNegative } from '../../../src/dns/wire/compose.ts';
import { EDE, RCODE, TYPE } from '../../../src/dns/wire/constants.ts';
import { queryFor, readQuery } from '../../../src/dns/wire/query.ts';
import { minTtl } from '../../../src/dns/wire/ttl.ts';
import { anyQuery, write, type TestMessage } from './messages.ts';
import { slowRead, slowText } from './slow_reader.ts';

function asked(type: number, payload: number | null = 1232) {
  const query = queryFor('Www.Example.com', type, { id: 0x1234, payload })!;
  return { query, question: readQuery(query).question! };
}

const read = (message: Uint8Array): DecodedPacket => decode(Buffer.from(message));
const both = [parseAddress('192.0.2.1')!, parseAddress('2001:db8::1')!];

describe('addresses', () => {
  test.each([
    ['A', TYPE.A, ['192.0.2.1']],
    ['AAAA', TYPE.AAAA, ['2001:db8::1']],
    ['ANY', TYPE.ANY, ['192.0.2.1', '2001:db8::1']],
    ['MX', TYPE.MX, []],
  ])('%s gets those of its family', (_, type, expected) => {
    const { query, question } = asked(type);
    const answer = composeAddresses(query, question, both, 60);
    expect(read(answer)).toMatchObject({
      type: 'response',
      rcode: 'NOERROR',
      flag_aa: false,
      flag_tc: false,
      flag_rd: true,
      flag_ra: true,
      questions: [{ name: 'Www.Example.com' }],
      answers: expected.map((data) => ({ name: 'Www.Example.com', ttl: 60, class: 'IN', data })),
      authorities: expected.length === 0 ? [{ type: 'SOA', ttl: 60 }] : [],
      additionals: [{ type: 'OPT', name: '.' }],
    });
  });

  test('of any query: its question in its own bytes, each address once, and nothing malformed', () => {
    fc.assert(
      fc.property(anyQuery, fc.array(address, { maxLength: 5 }), fc.nat(90_000), (asked, addresses, ttl) => {
        const query = write({ ...asked, question: { ...asked.question, type: TYPE.ANY, class: 1 } });
        const question = readQuery(query).question!;
        const answer = composeAddresses(query, question, addresses, ttl);
        expect(answers(query, answer, { exactCase: true })).toBeTrue();
        expect(addressesOf(answer).map(formatAddress)).toEqual(addresses.map(formatAddress));
        expect(minTtl(answer)).toBe(ttl);
        const { records } = slowRead(answer);
        for (const { owner, type } of records) expect(owner).toBe(type === TYPE.OPT ? '' : question.name);
        expect(records.some(({ type }) => type === TYPE.OPT)).toBe(asked.additional.length > 0);
      }),
    );
  });

  test('class CHAOS has none', () => {
    const { query, question } = asked(TYPE.ANY);
    expect(addressesOf(composeAddresses(query, { ...question, class: 3 }, both, 60))).toEqual([]);
  });
});

describe('negative answers', () => {
  test.each([
    ['NODATA', RCODE.NOERROR, 'NOERROR'],
    ['NXDOMAIN', RCODE.NXDOMAIN, 'NXDOMAIN'],
  ])('%s has a SOA record to be kept by', (_, rcode, name) => {
    const { query, question } = asked(TYPE.A);
    const answer = composeNegative(query, question, rcode, {
      ttl: 300,
      ede: { code: EDE.BLOCKED, text: 'by a list' },
    });
    expect(negativeTtl(answer)).toBe(300);
    expect(read(answer)).toMatchObject({
      rcode: name,
      answers: [],
      authorities: [
        {
          type: 'SOA',
          name: 'Www.Example.com',
          ttl: 300,
          data: {
            mname: 'Www.Example.com',
            rname: 'nobody.invalid',
            minimum: 300,
            refresh: 3600,
            retry: 1200,
          },
        },
      ],
      additionals: [
        { options: [{ code: 15, data: Buffer.concat([Uint8Array.of(0, 15), Buffer.from('by a list')]) }] },
      ],
    });
  });
});

describe('failures', () => {
  test('say why, to a client with EDNS', () => {
    const { query, question } = asked(TYPE.A);
    const answer = composeFailure(query, question, RCODE.SERVFAIL, { code: EDE.NETWORK_ERROR });
    expect(read(answer)).toMatchObject({
      rcode: 'SERVFAIL',
      additionals: [{ type: 'OPT', options: [{ code: 15, data: Buffer.from([0, 23]) }] }],
    });
  });

  test('have no OPT record for a client without EDNS', () => {
    const { query, question } = asked(TYPE.A, null);
    const answer = composeFailure(query, question, RCODE.SERVFAIL, { code: EDE.NETWORK_ERROR });
    expect(read(answer)).toMatchObject({
      rcode: 'SERVFAIL',
      questions: [{ name: 'Www.Example.com' }],
      additionals: [],
    });
  });

  test('are a header only without a question', () => {
    const answer = composeFailure(
      Uint8Array.of(9, 9, 1, 0, 0, 7, 0, 7, 0, 7, 0, 7, 1),
      undefined,
      RCODE.FORMERR,
    );
    expect(Buffer.from(answer).toString('hex')).toBe('090981810000000000000000');
  });

  test('repeat the opcode', () => {
    const answer = composeFailure(
      Uint8Array.of(9, 9, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0),
      undefined,
      RCODE.NOTIMP,
    );
    expect(Buffer.from(answer).toString('hex')).toBe('0909a8840000000000000000');
  });

  test('take OPT for the upper bits of BADVERS', () => {
    const query = queryFor('a', TYPE.A)!;
    query[query.length - 5] = 1;
    const { refuse, question } = readQuery(query);
    const answer = composeFailure(query, question, refuse!);
    expect(rcodeOf(answer)).toBe(RCODE.BADVERS);
    expect(read(answer)).toMatchObject({
      rcode: 'NOERROR',
      additionals: [{ extendedRcode: 1, ednsVersion: 0 }],
    });
  });

  test('of any query answer it', () => {
    fc.assert(
      fc.property(
        anyQuery,
        fc.nat(15),
        fc.nat(0xffff),
        fc.string(),
        (asked: TestMessage, rcode, code, text) => {
          const query = write(asked);
          const answer = composeFailure(query, readQuery(query).question, rcode, { code, text });
          const { id, flags, questions, records } = slowRead(answer);
          expect(answers(query, answer, { exactCase: true })).toBeTrue();
          expect(id).toBe(asked.id);
          expect(flags).toBe(0x8080 | (asked.flags & 0x0110) | rcode);
          expect(questions).toEqual([{ ...asked.question, name: slowText(asked.question.name) }]);
          expect(records.map(({ type }) => type)).toEqual(asked.additional.length > 0 ? [TYPE.OPT] : []);
          if (records[0]) expect(records[0].ttl & 0x8000).toBe(asked.additional[0]!.ttl & 0x8000);
        },
      ),
    );
  });
});

test('addresses are only read', () => {
  const { query, question } = asked(TYPE.A);
  const own: Address = { family: 4, bytes: Uint8Array.of(192, 0, 2, 9) };
  const before = Buffer.from(query).toString('hex');
  composeAddresses(query, question, [own], 1).fill(0);
  expect([...own.bytes]).toEqual([192, 0, 2, 9]);
  expect(Buffer.from(query).toString('hex')).toBe(before);
});
