/** Both ends as wholes: known bytes, every split, every tampering, random rubbish. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { parseAddress } from '../../../src/net/address.ts';
import { Outbox, PIECE } from '../../../src/net/session.ts';
import { encodeTarget, type Target } from '../../../src/net/target.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { masterKey, subkey } from '../../../src/upstream/shadowsocks/key.ts';
import { METHODS, TAG_SIZE } from '../../../src/upstream/shadowsocks/methods.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import { Opener } from '../../../src/upstream/shadowsocks/opener.ts';
import { Sealer } from '../../../src/upstream/shadowsocks/sealer.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import vectors from '../../vectors/shadowsocks.json';
import { statusOf } from '../conformance/heard.ts';
import { fastest, pattern, pinned, STACKS, suiteOf, TARGET_LIMIT, through } from './ends.ts';

const gcm = METHODS['aes-256-gcm'];
const suite = suiteOf(gcm);
const target: Target = { name: 'origin.example', port: 8080 };

/** Where to cut `length` bytes, both ends and repetitions included. */
const cutsOf = (length: number) =>
  fc.array(fc.nat(length), { maxLength: 12 }).map((cuts) => cuts.sort((a, b) => a - b));

describe.each(STACKS.filter(([, { method }]) => method.edition === 2017))('%s', (_, each) => {
  test('a client session gives the bytes of independent implementations', () => {
    const streams = vectors.streams.filter((stream) => stream.method === each.method.name);
    expect(streams).toHaveLength(4);
    for (const { password, salt, target: where, payload, wire, sha256 } of streams) {
      const [host, port] = where as [string, number];
      const address = parseAddress(host);
      const session = new ClientSession(
        suiteOf(each.method, each.aead, password),
        address ? { address, port } : { name: host, port },
      );
      const sealed = through(session, 'seal', pattern(payload));
      if (wire !== undefined) expect(Buffer.from(sealed).toString('hex')).toBe(wire);
      expect(sealed.subarray(0, salt.length / 2)).toEqual(Buffer.from(salt, 'hex'));
      expect(createHash('sha256').update(sealed).digest('hex')).toBe(sha256);
    }
  });
});

describe.each(STACKS)('%s', (_, each) => {
  test('client and server understand each other, both ways', () => {
    const both = suiteOf(each.method, each.aead);
    const [client, server] = [new ClientSession(both, target), new ServerSession(both)];
    const up = pattern(40_000);
    expect(Buffer.compare(through(server, 'open', through(client, 'seal', up)), up)).toBe(0);
    expect(server.target).toEqual(target);
    const down = pattern(50_000).toReversed();
    expect(Buffer.compare(through(client, 'open', through(server, 'seal', down)), down)).toBe(0);
    expect(statusOf(() => (client.openEnd(), server.openEnd()))).toBe('none');
    client.dispose();
    server.dispose();
  });
});

describe('the wire form of the reference (wire-formats, made with python cryptography)', () => {
  const reference = {
    'aes-256-gcm':
      '50b047619fe02e2d235dcfba391929df879e7bda8712629d89e17f70bcaed0cae1f4e400ed04f937e34954e297bf',
    'chacha20-ietf-poly1305':
      '94af412f957b2e159ffe73f716b582920d490dfa08b337c22e381666dbe7701ac913e42086f3f17de5130bd720d4',
  };
  test.each(Object.entries(reference))('%s', (name, hex) => {
    const session = new ClientSession(suiteOf(METHODS[name as keyof typeof reference]), {
      address: parseAddress('1.2.3.4')!,
      port: 443,
    });
    const wire = through(session, 'seal', Buffer.from('hello'));
    expect(Buffer.from(wire.subarray(32)).toString('hex')).toBe(hex);
  });
});

describe('sealing', () => {
  test('an empty first call sends the header alone, and only once', () => {
    const session = new ClientSession(suite, target);
    const header = through(session, 'seal', new Uint8Array(0));
    expect(header.length).toBe(32 + 2 + TAG_SIZE + encodeTarget(target).length + TAG_SIZE);
    expect(through(session, 'seal', new Uint8Array(0)).length).toBe(0);
    const server = new ServerSession(suite);
    expect(through(server, 'open', header).length).toBe(0);
    expect(server.target).toEqual(target);
    expect(through(server, 'open', through(session, 'seal', pattern(9)))).toEqual(Buffer.from(pattern(9)));
  });

  test('a server has nothing to say before its first payload', () => {
    expect(through(new ServerSession(suite), 'seal', new Uint8Array(0)).length).toBe(0);
  });

  test('however the bytes come, the other end gets the same', () => {
    const plain = pattern(60_000);
    fc.assert(
      fc.property(cutsOf(plain.length), (cuts) => {
        const server = new ServerSession(suite);
        const wire = through(new ClientSession(suite, target), 'seal', plain, cuts);
        return Buffer.compare(through(server, 'open', wire), plain) === 0 && server.target !== undefined;
      }),
    );
  });

  test.each(['aes-256-gcm', '2022-blake3-aes-256-gcm'] as const)(
    'the largest piece fits into an outbox, whatever comes before it: %s',
    (name) => {
      const piece = pinned(pattern(PIECE), PIECE);
      const [wire, back] = [new Outbox(), new Outbox()];
      const own = suiteOf(METHODS[name]);
      const client = new ClientSession(own, { name: 'x'.repeat(255), port: 1 });
      const server = new ServerSession(own);
      for (let i = 0; i < 3; i++) {
        client.seal(piece, 0, PIECE, wire);
        // Pieces of the wire that end one byte before a record does: the most that is held back from the one before.
        for (let at = 0; at < wire.end; at += PIECE - 1) {
          server.open(wire, at, Math.min(wire.end, at + PIECE - 1), back);
          back.end = 0;
        }
        wire.end = 0;
      }
      expect(statusOf(() => server.openEnd())).toBe('none');
    },
  );

  test('the counters carry past 2^8 and 2^16 on both ends, and noble reads along', () => {
    const chacha = METHODS['chacha20-ietf-poly1305'];
    const client = new ClientSession(suiteOf(chacha), target);
    const server = new ServerSession(suiteOf(chacha, nobleAead(chacha.cipher)));
    // Two operations a record.
    const plain = pattern(2 ** 15 + 200);
    const wire = through(client, 'seal', plain, [...plain.keys()]);
    expect(Buffer.compare(through(server, 'open', wire), plain)).toBe(0);
  });

  test('salts of a real suite differ', () => {
    const random = suiteOf(gcm, fastest(gcm), 'test', { fillRandom: (salt) => crypto.getRandomValues(salt) });
    const salts = Array.from({ length: 20 }, () =>
      Buffer.from(
        through(new ClientSession(random, target), 'seal', new Uint8Array(0)).subarray(0, 32),
      ).toString('hex'),
    );
    expect(new Set(salts).size).toBe(20);
  });
});

describe('opening', () => {
  const plain = pattern(40_000);
  const wire = through(new ClientSession(suite, target), 'seal', plain);
  const short = through(new ClientSession(suite, target), 'seal', pattern(30));

  test('a stream cut in two at every byte', () => {
    for (let cut = 0; cut <= short.length; cut++) {
      const server = new ServerSession(suite);
      expect(through(server, 'open', short, [cut])).toEqual(Buffer.from(pattern(30)));
      expect(server.target).toEqual(target);
      server.dispose();
    }
  });

  test('a stream given byte by byte', () => {
    const every = Array.from({ length: short.length }, (_, i) => i);
    expect(through(new ServerSession(suite), 'open', short, every)).toEqual(Buffer.from(pattern(30)));
  });

  test('a long stream cut anywhere', () => {
    fc.assert(
      fc.property(cutsOf(wire.length), (cuts) => {
        const server = new ServerSession(suite);
        const same = Buffer.compare(through(server, 'open', wire, cuts), plain) === 0;
        server.dispose();
        return same;
      }),
    );
  });

  test('sessions that share carries and contexts do not mix', () => {
    const servers = Array.from({ length: 20 }, () => new ServerSession(suite));
    const got = servers.map(() => [] as Uint8Array[]);
    for (let at = 0; at < wire.length; at += 5000) {
      servers.forEach((server, i) => got[i]!.push(through(server, 'open', wire.subarray(at, at + 5000))));
    }
    for (const pieces of got) expect(Buffer.compare(Buffer.concat(pieces), plain)).toBe(0);
    for (const server of servers) server.dispose();
  });

  test('a byte changed anywhere: ERR_AEAD, and nothing of that record or a later one', () => {
    const good = Buffer.from(pattern(30));
    for (let i = 0; i < short.length; i++) {
      const spoilt = short.slice();
      spoilt[i]! ^= 0x04;
      const out = new Outbox(4096);
      const server = new ServerSession(suite);
      expect(statusOf(() => server.open(pinned(spoilt), 0, spoilt.length, out))).toBe('ERR_AEAD');
      expect(out.end).toBe(0);
      expect(Buffer.from(out.bytes).includes(good.subarray(0, 8))).toBe(false);
    }
  });

  test('what came before a bad record is good', () => {
    const spoilt = wire.slice();
    spoilt[spoilt.length - 1]! ^= 1;
    const out = new Outbox();
    const opener = new Opener(suite, suite.client(target));
    expect(statusOf(() => opener.open(pinned(spoilt), 0, spoilt.length, out))).toBe('ERR_AEAD');
    const header = encodeTarget(target).length;
    expect(out.end).toBe(2 * gcm.recordLimit);
    expect(Buffer.compare(out.bytes.subarray(header, out.end), plain.subarray(0, out.end - header))).toBe(0);
  });

  test('records swapped, repeated, or left out do not authenticate', () => {
    const sealer = new Sealer(suite, suite.server());
    const [first, second, third] = [1, 2, 3].map((n) =>
      through({ ...asSession(sealer) }, 'seal', new Uint8Array(n)),
    );
    for (const order of [
      [first, third],
      [first, second, second],
      [first, third, second],
    ]) {
      expect(
        statusOf(() =>
          through(
            asSession(new Opener(suite, suite.client(target))),
            'open',
            Buffer.concat(order as Uint8Array[]),
          ),
        ),
      ).toBe('ERR_AEAD');
    }
  });

  test('the wrong password is found at the first length record', () => {
    const other = new ServerSession(suiteOf(gcm, undefined, 'another'));
    expect(through(other, 'open', short.subarray(0, 49)).length).toBe(0);
    expect(statusOf(() => through(other, 'open', short.subarray(49, 50)))).toBe('ERR_AEAD');
  });

  test.each([
    ['0', 0, 'ERR_PROTOCOL'],
    ['1', 1, 'none'],
    ['the most', 0x3fff, 'none'],
    ['one more', 0x4000, 'ERR_PROTOCOL'],
    ['both reserved bits', 0xc001, 'ERR_PROTOCOL'],
  ])('a length of %s', (_, length, status) => {
    const salt = new Uint8Array(32);
    const sealed = pinned(salt, 32 + 2 + TAG_SIZE);
    const key = subkey(masterKey('test', 32), salt);
    suite.aead.seal(key, 0, pinned(Uint8Array.of(length >> 8, length & 0xff)), 0, 2, sealed, 32);
    expect(
      statusOf(() => through(asSession(new Opener(suite, suite.client(target))), 'open', sealed.bytes)),
    ).toBe(status);
  });

  test('random bytes, in random pieces: nothing but a SessionError', () => {
    fc.assert(
      fc.property(
        fc
          .uint8Array({ maxLength: 200 })
          .chain((bytes) => fc.tuple(fc.constant(bytes), cutsOf(bytes.length))),
        fc.boolean(),
        ([bytes, cuts], asServer) => {
          const session = asServer ? new ServerSession(suite) : new ClientSession(suite, target);
          const status = statusOf(() => through(session, 'open', bytes, cuts));
          session.dispose();
          return status === (bytes.length < 32 + 2 + TAG_SIZE ? 'none' : 'ERR_AEAD');
        },
      ),
    );
  });

  test('random plaintext from a client that knows the password: nothing but a SessionError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 400 }),
        fc.constantFrom(1, 3, 4, undefined),
        (plain, type) => {
          if (type !== undefined) plain[0] = type;
          const server = new ServerSession(suite);
          const status = statusOf(() =>
            through(server, 'open', through(asSession(new Sealer(suite, suite.server())), 'seal', plain)),
          );
          return (
            status === 'ERR_PROTOCOL' ||
            (status === 'none' && (!!server.target || plain.length < TARGET_LIMIT))
          );
        },
      ),
    );
  });
});

describe('the end of the stream', () => {
  const wire = through(new ClientSession(suite, target), 'seal', pattern(30));
  const lengthEnd = 32 + 2 + TAG_SIZE;

  test.each([
    ['before anything', 0, 'none'],
    ['within the salt', 31, 'ERR_TRUNCATED'],
    ['within a length', lengthEnd - 1, 'ERR_TRUNCATED'],
    ['between a length and its payload', lengthEnd, 'ERR_TRUNCATED'],
    ['within a payload', wire.length - 1, 'ERR_TRUNCATED'],
    ['after a record', wire.length, 'none'],
  ])('%s', (_, length, status) => {
    const server = new ServerSession(suite);
    through(server, 'open', wire.subarray(0, length));
    expect(statusOf(() => server.openEnd())).toBe(status);
    server.dispose();
  });

  test('within a target that is spread over records', () => {
    const sealer = asSession(new Sealer(suite, suite.server()));
    const address = encodeTarget(target);
    const server = new ServerSession(suite);
    expect(through(server, 'open', through(sealer, 'seal', address.subarray(0, 5))).length).toBe(0);
    expect(server.target).toBeUndefined();
    expect(statusOf(() => server.openEnd())).toBe('ERR_TRUNCATED');
    const rest = Buffer.concat([address.subarray(5), pattern(3)]);
    expect(through(server, 'open', through(sealer, 'seal', rest))).toEqual(Buffer.from(pattern(3)));
    expect(server.target).toEqual(target);
    expect(statusOf(() => server.openEnd())).toBe('none');
  });
});

/** One direction alone, where a test needs both verbs. */
function asSession(end: Sealer | Opener): { seal: Sealer['seal']; open: Opener['open'] } {
  return {
    seal: (...call) => (end as Sealer).seal(...call),
    open: (...call) => (end as Opener).open(...call),
  };
}
