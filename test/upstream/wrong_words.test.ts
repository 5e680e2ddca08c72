/** A corpus of what other programs say, to every protocol: a status word at once, however it is cut, and nothing kept. */
import { describe, expect, test } from 'bun:test';
import { heapInUse } from '../lab/heap_in_use.ts';
import corpus from '../vectors/wrong_words.json';
import { Client } from './conformance/client.ts';
import { Conversation } from './conformance/conversation.ts';
import { NOTHING } from './conformance/far_end.ts';
import { heard, statusOf, type Heard } from './conformance/heard.ts';
import type { Row } from './conformance/row.ts';
import { ROWS } from './conformance/rows.ts';

const TARGET = { name: 'origin.example', port: 1 };

interface Words {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** By protocol. */
  readonly comesTo: Readonly<Record<string, string>>;
}

interface Written {
  readonly name: string;
  readonly text?: string;
  readonly hex?: string;
  readonly then?: { readonly text: string; readonly times: number };
  readonly 'comes to'?: Readonly<Record<string, string>>;
}

function wordsOf({ name, text = '', hex = '', then, 'comes to': comesTo = {} }: Written): Words {
  const rest = then ? Buffer.alloc(then.text.length * then.times, then.text, 'latin1') : NOTHING;
  return {
    name,
    bytes: Buffer.concat([Buffer.from(text, 'latin1'), Buffer.from(hex, 'hex'), rest]),
    comesTo,
  };
}

const REPLIES = (corpus.replies as readonly Written[]).map(wordsOf);
const REQUESTS = (corpus.requests as readonly Written[]).map(wordsOf);

const isChain = ({ name }: Row) => name.includes(' > ');
const hasHandshake = (row: Row) => row.tunnel(TARGET).handshake !== undefined;

/** How many bytes a session wants before it judges the first record: salt, header, tag. */
const JUDGED_AT: Readonly<Record<string, number>> = {
  shadowsocks: 32 + 2 + 16,
  'shadowsocks 2022': 32 + (1 + 8 + 32 + 2) + 16,
  'shadowsocks 2022 with users': 16 + (1 + 8 + 16 + 2) + 16,
};

/** In the corpus's words. */
function expected({ name }: Row, { bytes, comesTo }: Words): string {
  const judgedAt = JUDGED_AT[name];
  if (judgedAt !== undefined) return bytes.length < judgedAt ? 'open' : 'ERR_AEAD';
  // What can't be told from the target's bytes: anything.
  if (/^(?:TLS|shadowsocks)/.test(name)) return 'open';
  return comesTo[name] ?? comesTo[name.split(' ')[0]!] ?? 'ERR_PROTOCOL';
}

function found({ status, isOpen }: Heard): string {
  if (status !== 'none') return status;
  return isOpen ? 'open' : 'waits';
}

/** Every place at the beginning and at the end, and some between: no protocol has anything but bytes of one kind there. */
function places(length: number, many: number): number[] {
  const all = new Set<number>();
  for (let at = 0; at <= Math.min(length, many); at++) all.add(at).add(length - at);
  for (let at = many; at < length; at += 1 + Math.ceil(length / many)) all.add(at);
  return [...all].sort((a, b) => a - b);
}

/** Cuts for every byte by itself, or of many bytes the first ones. */
const byteByByte = ({ length }: Uint8Array) => Array.from({ length: Math.min(length, 2_000) }, (_, i) => i);

test('every word of the corpus is there once, and is some bytes', () => {
  for (const all of [REPLIES, REQUESTS]) {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    expect(all.filter(({ bytes }) => bytes.length === 0)).toEqual([]);
  }
});

describe.each(ROWS.map((row) => [row.name, row] as const))('%s', (_, row) => {
  const many = isChain(row) ? 4 : 60;

  test('comes to what the corpus says', () => {
    if (isChain(row)) {
      for (const words of REPLIES) heard(row, TARGET, words.bytes);
      return;
    }
    const all = REPLIES.map((words) => [words.name, found(heard(row, TARGET, words.bytes))]);
    expect(all).toEqual(REPLIES.map((words) => [words.name, expected(row, words)]));
  });

  test('comes to the same however it is cut', () => {
    for (const { name, bytes } of REPLIES) {
      const whole = heard(row, TARGET, bytes);
      for (const cuts of [byteByByte(bytes), ...places(bytes.length, many).map((at) => [at])]) {
        const cut = heard(row, TARGET, bytes, cuts);
        expect([name, found(cut)]).toEqual([name, found(whole)]);
        if (cut.status === 'none') expect(Buffer.compare(cut.received, whole.received)).toBe(0);
      }
    }
  });

  test('comes to an end when it is cut off', () => {
    const waits = hasHandshake(row);
    for (const { bytes } of REPLIES) {
      for (const at of places(bytes.length, many)) {
        const { status, isOpen, atEnd } = heard(row, TARGET, bytes.subarray(0, at));
        // Of a chain the outer one may have a record that is not whole.
        const closed = row.framing === 'none' ? ['ERR_PROXY_CLOSED'] : ['ERR_PROXY_CLOSED', 'ERR_TRUNCATED'];
        if (status === 'none' && waits && !isOpen) expect(closed).toContain(atEnd);
        if (status === 'none' && row.framing === 'none' && isOpen) expect(atEnd).toBe('none');
        if (JUDGED_AT[row.name] && at > 0) expect(atEnd).not.toBe('none');
      }
    }
  });

  test('comes to a status word behind any part of a right answer', () => {
    const right = new Conversation(row, {
      target: TARGET,
      banner: NOTHING,
      up: [NOTHING],
      down: Buffer.from('hello'),
    });
    const { wire } = right.run();
    right.dispose();
    const short = REPLIES.filter(({ bytes }) => bytes.length < 1_000);
    for (const at of places(wire.length, isChain(row) ? 1 : 20)) {
      for (const { name, bytes } of short) {
        const all = Buffer.concat([wire.subarray(0, at), bytes]);
        const [whole, cut] = [heard(row, TARGET, all), heard(row, TARGET, all, byteByByte(all))];
        expect([name, at, found(cut)]).toEqual([name, at, found(whole)]);
      }
    }
  });

  test('leaves little behind while it is waited for', () => {
    const COUNT = 20;
    const LIMIT = 80 * 1024;
    const PART = 1_000;
    for (const { name, bytes } of REPLIES.filter(({ bytes: { length } }) => length > 10_000)) {
      const waiting = () => {
        const client = new Client(row.tunnel(TARGET), true);
        client.begin();
        if (client.isOpen) client.send(NOTHING);
        statusOf(() => {
          for (let at = 0; at < bytes.length; at += PART) {
            client.receive(bytes.subarray(at, at + PART));
            client.takeReceived();
          }
        });
        return client;
      };
      waiting().dispose();
      const before = heapInUse();
      const clients = Array.from({ length: COUNT }, waiting);
      const each = (heapInUse() - before) / COUNT;
      for (const client of clients) client.dispose();
      expect([name, each < (row.name.split(' > ').length + 1) * LIMIT]).toEqual([name, true]);
    }
  });
});

const SERVERS = ROWS.filter(({ name }) => name in JUDGED_AT || name.startsWith('TLS tunnel'));

describe.each(SERVERS.map((row) => [row.name, row] as const))('a server of %s', (_, row) => {
  /** @returns the status; nothing is ever answered, or given to anybody */
  function told(bytes: Uint8Array, cuts: Iterable<number>): string {
    const server = row.farEnd();
    let from = 0;
    const status = statusOf(() => {
      for (const to of [...cuts, bytes.length]) {
        expect(server.take(bytes.subarray(from, to))).toEqual({ answer: NOTHING, plain: Buffer.alloc(0) });
        from = to;
      }
    });
    expect(server.target).toBeUndefined();
    if (status === 'none' && bytes.length > 0) expect(statusOf(() => server.takeEnd())).toBe('ERR_TRUNCATED');
    server.dispose();
    return status;
  }

  test('believes no stranger, however that speaks', () => {
    for (const { name, bytes } of [...REQUESTS, ...REPLIES]) {
      const status = told(bytes, []);
      expect(['none', 'ERR_AEAD', 'ERR_PROTOCOL', 'ERR_PROXY_AUTH']).toContain(status);
      for (const cuts of [byteByByte(bytes), ...places(bytes.length, 30).map((at) => [at])])
        expect([name, told(bytes, cuts)]).toEqual([name, status]);
      for (const at of places(bytes.length, 30)) told(bytes.subarray(0, at), []);
    }
  });
});
