/** Shadowsocks 2022: each rule of SIP022, at both ends. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Outbox, PIECE, type Session } from '../../../src/net/session.ts';
import { encodeTarget, type Target } from '../../../src/net/target.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { METHODS, TAG_SIZE } from '../../../src/upstream/shadowsocks/methods.ts';
import { Psk } from '../../../src/upstream/shadowsocks/psk.ts';
import { ReplayFilter } from '../../../src/upstream/shadowsocks/replay_filter.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import { fastest, fault, keyOf, NOW, pattern, pinned, suite2022, through } from './ends.ts';

const method = METHODS['2022-blake3-aes-256-gcm'];
const NOTHING = new Uint8Array(0);
const target: Target = { name: 'origin.example', port: 8080 };
const key = keyOf('a key', 32);
const suite = suite2022(method, { keys: [key] });

const open = (session: Session, wire: Uint8Array) => () => through(session, 'open', wire);

describe("a client's first words", () => {
  const random = suite2022(method, { keys: [key] }, { fillRandom: (salt) => crypto.getRandomValues(salt) });
  /** How many bytes of padding there are. */
  const padding = (payload: number) => {
    const wire = through(new ClientSession(random, target), 'seal', pattern(payload));
    const overhead = 32 + 11 + TAG_SIZE + encodeTarget(target).length + 2 + payload + TAG_SIZE;
    const server = new ServerSession(suite);
    expect(through(server, 'open', wire)).toEqual(Buffer.from(pattern(payload)));
    return wire.length - overhead;
  };

  test.each([
    [0, 1, 900],
    [1, 0, 899],
    [500, 0, 400],
    [899, 0, 1],
    [900, 0, 0],
    [20_000, 0, 0],
  ])('with %d bytes of payload are padded with %d to %d', (payload, least, most) => {
    const found = Array.from({ length: 300 }, () => padding(payload));
    expect(Math.min(...found)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...found)).toBeLessThanOrEqual(most);
    if (most - least > 100) expect(new Set(found).size).toBeGreaterThan(100);
  });

  test('the padding is zeros, never what another connection has left', () => {
    const padded = suite2022(method, { keys: [key] }, { fillRandom: (random) => random.fill(0xff) });
    through(new ClientSession(suite, target), 'seal', pattern(60_000));
    const wire = pinned(through(new ClientSession(padded, target), 'seal', NOTHING));
    const address = encodeTarget(target).length;
    const header = new Outbox(2000);
    const size = wire.bytes.length - 1 - 32 - 11 - TAG_SIZE - TAG_SIZE;
    const sessionKey = new Psk(key).sessionKey(new Uint8Array(32).fill(0xff));
    const at = 32 + 11 + TAG_SIZE;
    expect(fastest(method).open(sessionKey, 1, wire, at, size, header, 0)).toBe(true);
    const zeros = 1 + (0xffff % 900);
    expect(size - address - 2).toBe(zeros);
    expect(header.bytes.subarray(address + 2, size)).toEqual(new Uint8Array(zeros));
  });

  test('go out together, also the greatest piece, and once', () => {
    const client = new ClientSession(suite, { name: 'x'.repeat(255), port: 1 });
    const server = new ServerSession(suite);
    const wire = through(client, 'seal', pattern(PIECE));
    expect(Buffer.compare(through(server, 'open', wire), pattern(PIECE))).toBe(0);
    expect(through(client, 'seal', NOTHING)).toHaveLength(0);
    expect(through(server, 'open', through(client, 'seal', pattern(9)))).toEqual(Buffer.from(pattern(9)));
  });
});

/** The records of one direction, made by hand: what an end with the key says that breaks a rule. */
function said(salt: Uint8Array, records: readonly Uint8Array[], secret = key): Uint8Array {
  const sessionKey = new Psk(secret).sessionKey(salt);
  const out = new Outbox();
  for (const [i, record] of records.entries()) {
    const at = out.take(record.length + TAG_SIZE);
    fastest(method).seal(sessionKey, i, pinned(record), 0, record.length, out, at);
  }
  return Uint8Array.from([...salt, ...out.bytes.subarray(0, out.end)]);
}

function head(
  type: number,
  seconds: number | bigint,
  length: number,
  salt: Uint8Array = NOTHING,
): Uint8Array {
  const fixed = Buffer.alloc(9 + salt.length + 2);
  fixed[0] = type;
  fixed.writeBigUInt64BE(BigInt(seconds), 1);
  fixed.set(salt, 9);
  fixed.writeUInt16BE(length, 9 + salt.length);
  return fixed;
}

const variable = (padding: number, sent: number, payload: number) =>
  Buffer.concat([
    encodeTarget(target),
    Uint8Array.of(padding >> 8, padding & 0xff),
    new Uint8Array(sent),
    pattern(payload),
  ]);

const SECONDS = NOW / 1000;
const SALT = new Uint8Array(32).fill(9);

/** A request with this variable header. */
function request(
  header: Uint8Array,
  { type = 0, seconds = SECONDS }: { type?: number; seconds?: number | bigint } = {},
): Uint8Array {
  return said(SALT, [head(type, seconds, header.length), header]);
}

describe('a server', () => {
  const server = () => new ServerSession(suite);

  test.each([
    ['as it should be', request(variable(5, 5, 3)), undefined],
    ['padding alone', request(variable(1, 1, 0)), undefined],
    ['the most padding', request(variable(900, 900, 0)), undefined],
    ['payload alone', request(variable(0, 0, 1)), undefined],
    ['30 s old', request(variable(0, 0, 1), { seconds: SECONDS - 30 }), undefined],
    ['30 s early', request(variable(0, 0, 1), { seconds: SECONDS + 30 }), undefined],
    [
      '31 s old',
      request(variable(0, 0, 1), { seconds: SECONDS - 31 }),
      "the client's clock differs by 31 s: check both clocks",
    ],
    [
      '31 s early',
      request(variable(0, 0, 1), { seconds: SECONDS + 31 }),
      "the client's clock differs by 31 s: check both clocks",
    ],
    [
      'from the end of time',
      request(variable(0, 0, 1), { seconds: 2n ** 64n - 1n }),
      "the client's clock differs by 18446744072009552000 s: check both clocks",
    ],
    ['a response', request(variable(0, 0, 1), { type: 1 }), 'the client sent a response, out of its turn'],
    ['some other type', request(variable(0, 0, 1), { type: 7 }), 'the client sent type 7, out of its turn'],
    ['neither padding nor payload', request(variable(0, 0, 0)), 'neither padding nor payload'],
    ['too much padding', request(variable(901, 901, 4)), '901 bytes of padding; at most 900 are allowed'],
    [
      'padding that reaches into the next record',
      request(variable(6, 5, 0)),
      'the header ends within the padding',
    ],
    [
      'no room for the length of the padding',
      request(encodeTarget(target)),
      'the header ends within the target address',
    ],
    [
      'a target that reaches into the next record',
      request(encodeTarget(target).subarray(0, 9)),
      'the header ends within the target address',
    ],
    ['a header of nothing', said(SALT, [head(0, SECONDS, 0)]), 'a record of 0 bytes; 1 to 65535 are allowed'],
    [
      'a target with port 0',
      request(Buffer.concat([encodeTarget({ ...target, port: 0 }), Uint8Array.of(0, 0, 1)])),
      'a target with port 0',
    ],
  ])('%s', (_, wire, message) => {
    const session = server();
    const found = fault(open(session, wire));
    expect(found).toEqual(message === undefined ? undefined : { status: 'ERR_PROTOCOL', message });
    expect(session.target === undefined).toBe(message !== undefined);
  });

  test('does not judge a byte before the whole of salt and fixed header is there', () => {
    const wire = said(SALT, [head(7, 0, 0)], keyOf('another', 32));
    const size = 32 + 11 + TAG_SIZE;
    const session = server();
    for (let at = 0; at < size - 1; at++)
      expect(fault(open(session, wire.subarray(at, at + 1)))).toBeUndefined();
    expect(fault(open(session, wire.subarray(size - 1)))?.status).toBe('ERR_AEAD');
  });

  test('refuses a salt that it has seen, on any connection, and remembers none of who has no key', () => {
    const filter = new ReplayFilter(100, 60_000);
    const guarded = suite2022(method, { keys: [key] }, { admit: (salt) => filter.admit(salt, 0) });
    const good = request(variable(5, 5, 3));
    const [spoilt, late] = [good.slice(), request(variable(5, 5, 3), { seconds: SECONDS - 31 })];
    spoilt[50]! ^= 1;
    expect(fault(open(new ServerSession(guarded), spoilt))?.status).toBe('ERR_AEAD');
    expect(fault(open(new ServerSession(guarded), late))?.status).toBe('ERR_PROTOCOL');
    expect(fault(open(new ServerSession(guarded), good))).toBeUndefined();
    expect(fault(open(new ServerSession(guarded), good))).toEqual({
      status: 'ERR_PROTOCOL',
      message: 'a connection with this salt was there before',
    });
  });

  test('has nothing to say before a request, and nothing without payload', () => {
    const session = server();
    expect(through(session, 'seal', NOTHING)).toHaveLength(0);
    expect(() => through(session, 'seal', pattern(1))).toThrow('an answer before there was a request');
    through(session, 'open', request(variable(5, 5, 3)));
    expect(through(session, 'seal', NOTHING)).toHaveLength(0);
    expect(through(session, 'seal', pattern(1))).toHaveLength(32 + 43 + TAG_SIZE + 1 + TAG_SIZE);
  });

  test.each([
    ['before anything', 0, 'none'],
    ['within the salt', 31, 'ERR_TRUNCATED'],
    ['after the salt', 32, 'ERR_TRUNCATED'],
    ['between the headers', 32 + 11 + TAG_SIZE, 'ERR_TRUNCATED'],
    ['within the second header', 32 + 11 + TAG_SIZE + 20, 'ERR_TRUNCATED'],
    ['after it', undefined, 'none'],
  ])('the client ends %s', (_, length, status) => {
    const session = server();
    through(session, 'open', request(variable(5, 5, 3)).subarray(0, length));
    expect(fault(() => session.openEnd())?.status ?? 'none').toBe(status);
    session.dispose();
  });

  test('random headers from a client that has a key: nothing but a SessionError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 1200 }),
        fc.constantFrom(1, 3, 4, undefined),
        (header, type) => {
          if (type !== undefined) header[0] = type;
          const session = server();
          const status = fault(open(session, request(header)))?.status;
          return status === 'ERR_PROTOCOL' || (status === undefined && session.target !== undefined);
        },
      ),
    );
  });
});

describe('a client', () => {
  const asked = (parts: Parameters<typeof suite2022>[2] = {}) => {
    const client = new ClientSession(suite2022(method, { keys: [key] }, parts), target);
    through(client, 'seal', NOTHING);
    return client;
  };
  const ECHO = Uint8Array.from({ length: 32 }, (_, i) => i);
  const answer = (fixed: Uint8Array) => said(SALT, [fixed, pattern(5)]);

  test.each([
    ['as it should be', answer(head(1, SECONDS, 5, ECHO)), undefined],
    ['30 s old', answer(head(1, SECONDS - 30, 5, ECHO)), undefined],
    [
      '40 s early',
      answer(head(1, SECONDS + 40, 5, ECHO)),
      "the server's clock differs by 40 s: check both clocks",
    ],
    ['a request', answer(head(0, SECONDS, 5, ECHO)), 'the server sent a request, out of its turn'],
    [
      'the answer to another request',
      answer(head(1, SECONDS, 5, ECHO.toReversed())),
      'the server answers another request than ours',
    ],
    [
      'nothing as first payload',
      answer(head(1, SECONDS, 0, ECHO)),
      'a record of 0 bytes; 1 to 65535 are allowed',
    ],
  ])('is answered: %s', (_, wire, message) => {
    const found = fault(open(asked(), wire));
    expect(found).toEqual(message === undefined ? undefined : { status: 'ERR_PROTOCOL', message });
  });

  test('is answered before it has asked', () => {
    const client = new ClientSession(suite, target);
    expect(fault(open(client, answer(head(1, SECONDS, 5, new Uint8Array(32)))))?.status).toBe('ERR_PROTOCOL');
  });

  test('is played its own words', () => {
    const client = new ClientSession(suite, target);
    const own = through(client, 'seal', pattern(300));
    expect(fault(open(client, own))?.status).toBe('ERR_AEAD');
  });

  test('asks the clock when it speaks and when it is answered', () => {
    let now = NOW;
    const client = asked({ now: () => now });
    now += 60_000;
    expect(fault(open(client, answer(head(1, SECONDS + 60, 5, ECHO))))).toBeUndefined();
  });

  test('a byte changed anywhere in an answer: ERR_AEAD, and nothing of it', () => {
    const wire = answer(head(1, SECONDS, 5, ECHO));
    for (let i = 0; i < wire.length; i++) {
      const spoilt = wire.slice();
      spoilt[i]! ^= 0x40;
      const out = new Outbox(4096);
      expect(fault(() => asked().open(pinned(spoilt), 0, spoilt.length, out))?.status).toBe('ERR_AEAD');
      expect(out.end).toBe(0);
    }
  });
});
