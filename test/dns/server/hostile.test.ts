import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { frame } from '../../../src/dns/wire/framing.ts';
import { listenDns, type DnsListener } from '../../../src/dns/server/listener.ts';
import { answers, rcodeOf } from '../../../src/dns/wire/answer.ts';
import { RCODE, TYPE } from '../../../src/dns/wire/constants.ts';
import { queryFor } from '../../../src/dns/wire/query.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { eventually } from '../../lab/eventually.ts';
import { stage } from '../resolver_stage.ts';

const on = stage({}, { hosts: new Map([['good.example', [parseAddress('192.0.2.1')!]]]) });
const failures: unknown[] = [];
let listener: DnsListener;

beforeAll(async () => {
  const failed = (error: unknown) => void failures.push(error);
  listener = await listenDns({ port: 0, resolve: on.resolver.resolve, failed, holder: () => undefined });
});
afterAll(() => listener.close());

/** id, RD, counts, and what follows; a good name is `4 good 7 example 0`. */
const message = (counts: readonly number[], tail: readonly number[], flags = 0x0100) =>
  Uint8Array.from([
    0xab,
    0xcd,
    flags >> 8,
    flags & 0xff,
    ...counts.flatMap((count) => [count >> 8, count & 0xff]),
    ...tail,
  ]);
const GOOD_NAME = [4, ...Buffer.from('good'), 7, ...Buffer.from('example'), 0];
const IN_A = [0, 1, 0, 1];
const OPT = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];

const CORPUS: readonly [string, Uint8Array, keyof typeof RCODE | undefined][] = [
  ['no byte', new Uint8Array(0), undefined],
  ['half a header', message([1], []), undefined],
  ['an answer', message([1, 0, 0, 0], [...GOOD_NAME, ...IN_A], 0x8180), undefined],
  ['no question', message([0, 0, 0, 0], []), 'FORMERR'],
  ['two questions', message([2, 0, 0, 0], [...GOOD_NAME, ...IN_A, ...GOOD_NAME, ...IN_A]), 'FORMERR'],
  ['a question that is announced only', message([1, 0, 0, 0], []), 'FORMERR'],
  ['65,535 questions', message([0xffff, 0, 0, 0], [...GOOD_NAME, ...IN_A]), 'FORMERR'],
  ['a question without its class', message([1, 0, 0, 0], [...GOOD_NAME, 0, 1]), 'FORMERR'],
  ['a label that leads out of the message', message([1, 0, 0, 0], [63, 1, 2, 3]), 'FORMERR'],
  ['a name that points at itself', message([1, 0, 0, 0], [0xc0, 12, ...IN_A]), 'FORMERR'],
  ['a name that points ahead', message([1, 0, 0, 0], [0xc0, 20, ...IN_A, ...GOOD_NAME]), 'FORMERR'],
  ['a name that points into the header', message([1, 0, 0, 0], [0xc0, 0, ...IN_A]), 'FORMERR'],
  ['labels of types that there are not', message([1, 0, 0, 0], [0x80, 0x40, ...IN_A]), 'FORMERR'],
  [
    'a name over 255 bytes',
    message(
      [1, 0, 0, 0],
      [...Array.from({ length: 5 * 64 }, (_, i) => (i % 64 === 0 ? 63 : 97)), 0, ...IN_A],
    ),
    'FORMERR',
  ],
  ['records that are announced only', message([1, 0, 0, 9], [...GOOD_NAME, ...IN_A]), 'FORMERR'],
  ['two OPT records', message([1, 0, 0, 2], [...GOOD_NAME, ...IN_A, ...OPT, ...OPT]), 'FORMERR'],
  [
    'an OPT record whose data is not there',
    message([1, 0, 0, 1], [...GOOD_NAME, ...IN_A, ...OPT.slice(0, -1), 9]),
    'FORMERR',
  ],
  ['an update', message([1, 0, 0, 0], [...GOOD_NAME, 0, 6, 0, 1], 0x2800), 'NOTIMP'],
  ['a transfer', message([1, 0, 0, 0], [...GOOD_NAME, 0, 252, 0, 1]), 'REFUSED'],
  ['bytes behind its end: no fault', message([1, 0, 0, 0], [...GOOD_NAME, ...IN_A, 1, 2, 3]), 'NOERROR'],
];

const good = queryFor('good.example', TYPE.A, { id: 0x1111 })!;

describe('messages that mean ill', () => {
  test.each(CORPUS)('over UDP: %s', async (_, bytes, rcode) => {
    const got: Uint8Array[] = [];
    const client = await Bun.udpSocket({
      connect: { hostname: '127.0.0.1', port: listener.port },
      socket: { data: (_, answer) => void got.push(answer) },
    });
    client.send(bytes);
    client.send(good);
    const last = await eventually('the good answer', () => got.find((answer) => answers(good, answer)));
    expect(rcodeOf(last)).toBe(RCODE.NOERROR);
    const others = got.filter((answer) => answer !== last);
    expect(others.map((answer) => [answer[0], answer[1], rcodeOf(answer)])).toEqual(
      rcode === undefined ? [] : [[0xab, 0xcd, RCODE[rcode]]],
    );
    client.close();
    expect([failures, on.failures]).toEqual([[], []]);
  });

  test.each(CORPUS)('over TCP: %s', async (_, bytes, rcode) => {
    const state = { received: Buffer.alloc(0), closed: false };
    const client = await Bun.connect({
      hostname: '127.0.0.1',
      port: listener.port,
      socket: {
        data(_, chunk) {
          state.received = Buffer.concat([state.received, chunk]);
        },
        close: () => void (state.closed = true),
      },
    });
    client.write(frame(bytes));
    if (rcode === undefined) {
      await eventually('the end', () => state.closed);
      expect(state.received.length).toBe(0);
    } else {
      await eventually('the answer', () => state.received.length >= 14);
      expect(rcodeOf(new Uint8Array(state.received.subarray(2)))).toBe(RCODE[rcode]);
      client.terminate();
    }
    expect([failures, on.failures]).toEqual([[], []]);
  });
});
