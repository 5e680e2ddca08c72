import { describe, expect, test } from 'bun:test';
import { encode, type Answer } from 'dns-packet';
import * as fc from 'fast-check';
import { answerRecords } from '../../src/dns/record_text.ts';

const message = (answers: Answer[]): Uint8Array =>
  encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'a.example' }], answers });

describe('records', () => {
  test.each<[Answer, string, string]>([
    [{ type: 'A', name: 'a.example', ttl: 5, data: '192.0.2.1' }, 'A', '192.0.2.1'],
    [{ type: 'AAAA', name: 'a.example', ttl: 5, data: '2001:db8::1' }, 'AAAA', '2001:db8::1'],
    [{ type: 'CNAME', name: 'a.example', ttl: 5, data: 'b.example' }, 'CNAME', 'b.example'],
    [{ type: 'NS', name: 'a.example', ttl: 5, data: '.' }, 'NS', '.'],
    [{ type: 'MX', name: 'a.example', ttl: 5, data: { preference: 10, exchange: 'mx.example' } }, 'MX', '10 mx.example'],
    [{ type: 'TXT', name: 'a.example', ttl: 5, data: ['one two', 'a "\\', '\x1b[1m\x7f'] }, 'TXT', '"one two" "a \\"\\\\" "\\027[1m\\127"'],
    [{ type: 'SRV', name: 'a.example', ttl: 5, data: { priority: 1, weight: 2, port: 3, target: '.' } }, 'SRV', '\\# 7 00010002000300'],
  ])('of %j are read', (answer, type, data) => {
    expect(answerRecords(message([answer]))).toEqual([{ name: 'a.example', ttl: 5, type, data }]);
  }); // prettier-ignore

  test('are those of the answer section, in their order', () => {
    const bytes = encode({
      type: 'response',
      id: 1,
      questions: [{ type: 'A', name: 'a.example' }],
      answers: [
        { type: 'CNAME', name: 'a.example', ttl: 1, data: 'b.example' },
        { type: 'A', name: 'b.example', ttl: 2, data: '192.0.2.1' },
      ],
      authorities: [{ type: 'NS', name: 'example', ttl: 3, data: 'ns.example' }],
    });
    expect(answerRecords(bytes)?.map(({ type, ttl }) => [type, ttl])).toEqual([
      ['CNAME', 1],
      ['A', 2],
    ]);
  });

  test('of anything else are none, or malformed', () => {
    const bytes = message([{ type: 'TXT', name: 'a.example', data: ['one', 'two'] }]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = value;
        answerRecords(damaged.subarray(0, length));
      }),
    );
  });
});
