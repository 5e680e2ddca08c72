/** Both ends as wholes: known bytes, every split, what is refused. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Secret } from '../../../src/base/secret.ts';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import type { Target } from '../../../src/net/target.ts';
import { CredentialsError } from '../../../src/upstream/credentials.ts';
import { tlsTunnels, tlsTunnelServer } from '../../../src/upstream/tunnel/tunnel.ts';
import { heapInUse } from '../../lab/heap_in_use.ts';
import { addressOf } from '../../net/arbitrary.ts';
import vectors from '../../vectors/tunnel.json';
import { statusOf } from '../conformance/heard.ts';
import { through } from '../shadowsocks/ends.ts';

const TOKEN = 'correct horse';
const users = new Map([
  ['one', new Secret(TOKEN)],
  ['other', new Secret('battery staple')],
]);
const server = tlsTunnelServer(users);
const origin: Target = { name: 'origin.example', port: 8080 };

const client = (target: Target = origin, token = TOKEN) => tlsTunnels(new Secret(token))(target).session!;
const headerOf = (target: Target, token?: string) =>
  Buffer.from(through(client(target, token), 'seal', new Uint8Array(0)));
/** A header with anything in it. */
const header = (host: string | Uint8Array, port = 80, token = TOKEN) => {
  const field = (bytes: Uint8Array) => [bytes.length >> 8, bytes.length & 0xff, ...bytes];
  const of = (text: string | Uint8Array) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  return Uint8Array.from([...field(of(token)), ...field(of(host)), port >> 8, port & 0xff]);
};

const targets: fc.Arbitrary<Target> = fc.oneof(
  fc.record({
    address: fc.oneof(addressOf(4), addressOf(6)),
    port: fc.integer({ min: 1, max: 65535 }),
  }),
  fc.record({ name: fc.domain(), port: fc.integer({ min: 1, max: 65535 }) }),
);

describe('what the Go program says', () => {
  test.each(vectors.headers)('to %#: $host', ({ token, host, port, records }) => {
    const header = Buffer.from(records.join(''), 'hex');
    const address = parseAddress(host)!;
    const session = tlsTunnelServer(new Map([['it', new Secret(token)]]))();
    expect(through(session, 'open', Buffer.concat([header, Buffer.from('hello')]))).toEqual(
      Buffer.from('hello'),
    );
    expect([session.user, session.target]).toEqual(['it', { address, port }]);
    // It says the same of an IPv4 address; IPv6 it could not be asked for by its own client.
    if (address.family === 4)
      expect(headerOf({ address, port }, token).toString('hex')).toBe(header.toString('hex'));
  });
});

describe('the client', () => {
  test('says all at once, in front of the first bytes, and nothing later', () => {
    const session = client({ address: parseAddress('1.2.3.4')!, port: 443 }, 'xxxx');
    expect(session.isPlain).toBe(false);
    const wire = through(session, 'seal', Buffer.from('GET'));
    expect(Buffer.from(wire).toString('hex')).toBe('0004787878780007312e322e332e3401bb474554');
    expect(session.isPlain).toBe(true);
    expect(Buffer.from(through(session, 'seal', Buffer.from(' /'))).toString()).toBe(' /');
    expect(Buffer.from(through(session, 'open', Buffer.from('200'))).toString()).toBe('200');
    expect(statusOf(() => session.openEnd())).toBe('none');
  });

  test('puts an IPv6 address into brackets, as net.Dial wants it', () => {
    const wire = headerOf({ address: parseAddress('2001:db8::1')!, port: 80 });
    expect(wire.toString('latin1')).toBe(`\0\x0d${TOKEN}\0\x0d[2001:db8::1]\0P`);
  });

  test('counts a token in bytes, and takes those that can be said', () => {
    expect(headerOf(origin, 'é').subarray(0, 4).toString('hex')).toBe('0002c3a9');
    const longest = 'x'.repeat(65_535);
    expect(headerOf(origin, longest).subarray(0, 3).toString('hex')).toBe('ffff78');
    for (const token of ['', `${longest}x`]) {
      expect(() => tlsTunnels(new Secret(token))).toThrow(CredentialsError);
      expect(() => tlsTunnelServer(new Map([['one', new Secret(token)]]))).toThrow(CredentialsError);
    }
  });

  test('lets no name through that is none', () => {
    for (const name of ['', 'a b', 'a\r\nb', 'a/b', 'é.test', 'x'.repeat(256)])
      expect(() => client({ name, port: 80 })).toThrow(RangeError);
  });
});

describe('the server', () => {
  test('finds what the client says, however it is cut, and gives the rest', () => {
    fc.assert(
      fc.property(
        targets,
        fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
        fc.uint8Array({ maxLength: 50 }),
        fc.array(fc.nat(700), { maxLength: 8 }),
        (target, token, payload, offsets) => {
          const wire = through(client(target, token), 'seal', payload);
          const cuts = offsets.filter((cut) => cut <= wire.length).sort((a, b) => a - b);
          const session = tlsTunnelServer(new Map([['it', new Secret(token)]]))();
          expect(Buffer.compare(through(session, 'open', wire, cuts), payload)).toBe(0);
          expect(session.target).toEqual(target);
        },
      ),
    );
  });

  test('knows the target with the last byte of the header and not before, and gives nothing till then', () => {
    const wire = Buffer.concat([headerOf(origin), Buffer.from('!')]);
    const session = server();
    for (let at = 0; at < wire.length - 1; at++) {
      expect([session.target, session.isPlain]).toEqual([undefined, false]);
      expect(through(session, 'open', wire.subarray(at, at + 1))).toHaveLength(0);
    }
    expect([session.target, session.user, session.isPlain]).toEqual([origin, 'one', true]);
    expect(Buffer.from(through(session, 'open', wire.subarray(-1))).toString()).toBe('!');
    expect(Buffer.from(through(session, 'seal', Buffer.from('?'))).toString()).toBe('?');
  });

  test('tells its users apart by their tokens', () => {
    for (const [name, token] of users) {
      const session = server();
      through(session, 'open', headerOf(origin, token.reveal()));
      expect(session.user).toBe(name);
    }
  });

  test.each([
    ['another', 'incorrect horse'],
    ['one of the same length', 'correct horst'],
    ['a beginning of it', 'correct hors'],
    ['it, and more', 'correct horse '],
    ['one in other letters', 'Correct horse'],
    ['an empty one', ''],
    ['the longest', 'x'.repeat(65_535)],
  ])('refuses a token that is %s, as soon as all of it is there and not before', (_, token) => {
    const wire = header('origin.example', 80, token);
    const session = server();
    const size = 2 + token.length;
    expect(statusOf(() => through(session, 'open', wire.subarray(0, size - 1)))).toBe('none');
    expect(statusOf(() => through(session, 'open', wire.subarray(size - 1, size)))).toBe('ERR_PROXY_AUTH');
    expect(session.user).toBeUndefined();
  });

  test('what it says of a wrong token has nothing of it', () => {
    for (const token of ['hunter2', TOKEN.slice(1)]) {
      let error: unknown;
      try {
        through(server(), 'open', header('origin.example', 80, token));
      } catch (thrown) {
        error = thrown;
      }
      expect(Bun.inspect(error)).not.toContain(token);
    }
  });

  test.each<[string, Target]>([
    ['192.0.2.7', { address: parseAddress('192.0.2.7')!, port: 80 }],
    ['2001:db8::7', { address: parseAddress('2001:db8::7')!, port: 80 }],
    ['2001:DB8:0::7', { address: parseAddress('2001:db8::7')!, port: 80 }],
    ['[2001:db8::7]', { address: parseAddress('2001:db8::7')!, port: 80 }],
    ['[::ffff:192.0.2.7]', { address: parseAddress('::ffff:192.0.2.7')!, port: 80 }],
    ['origin.example', { name: 'origin.example', port: 80 }],
    ['_a-b.example.', { name: '_a-b.example.', port: 80 }],
    [`${'x'.repeat(250)}.test`, { name: `${'x'.repeat(250)}.test`, port: 80 }],
  ])('takes the host %s', (host, target) => {
    const session = server();
    through(session, 'open', header(host));
    expect(session.target).toEqual(target);
  });

  test.each<[string, string | Uint8Array]>([
    ['no host', ''],
    ['a host that is too long', 'x'.repeat(256)],
    ['IPv4 in brackets', '[192.0.2.7]'],
    ['a name in brackets', '[origin.example]'],
    ['empty brackets', '[]'],
    ['half a bracket', '[2001:db8::7'],
    ['two pairs of brackets', '[[2001:db8::7]]'],
    ['a zone', 'fe80::1%eth0'],
    ['a zone in brackets', '[fe80::1%25eth0]'],
    ['a port in the host', 'origin.example:80'],
    ['IPv6 with too many groups', '1:2:3:4:5:6:7:8:9'],
    ['a NUL', 'a\0b'],
    ['a line break', 'a\r\nb'],
    ['a line break at the end', 'origin.example\n'],
    ['a line break in brackets', '[::1\n]'],
    ['a slash', 'a/b'],
    ['a space', 'a b'],
    ['a name that is not ASCII', Buffer.from('é.test', 'utf8')],
  ])('refuses %s', (_, host) => {
    const session = server();
    expect(statusOf(() => through(session, 'open', header(host)))).toBe('ERR_PROTOCOL');
    expect(session.target).toBeUndefined();
  });

  test('refuses port 0', () => {
    expect(statusOf(() => through(server(), 'open', header('origin.example', 0)))).toBe('ERR_PROTOCOL');
  });

  test('random hosts become nothing but what their text says', () => {
    const letters = fc.constantFrom(...'0123456789abcfF:.[]%x-_/ \n\0'.split(''));
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 45 }), (some) => {
        const host = some.join('');
        const session = server();
        const status = statusOf(() => through(session, 'open', header(host)));
        if (status !== 'none') return status === 'ERR_PROTOCOL';
        const target = session.target!;
        if ('name' in target) return target.name === host && !/[:[\]% /\n\0]/.test(host);
        const text = host.replace(/^\[(.*)\]$/, '$1');
        return formatAddress(target.address) === formatAddress(parseAddress(text)!);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a client that ends: before anything in order, within the header not, behind it in order', () => {
    const wire = headerOf(origin);
    for (let length = 0; length <= wire.length; length++) {
      const session = server();
      through(session, 'open', wire.subarray(0, length));
      const isWhole = length === 0 || length === wire.length;
      expect(statusOf(() => session.openEnd())).toBe(isWhole ? 'none' : 'ERR_TRUNCATED');
    }
  });

  test('of a token that does not end, little is kept', () => {
    const COUNT = 1_000;
    const wire = header('a', 80, 'x'.repeat(65_535)).subarray(0, 65_000);
    const waiting = () => {
      const session = server();
      through(session, 'open', wire);
      return session;
    };
    waiting();
    const before = heapInUse();
    const sessions = Array.from({ length: COUNT }, waiting);
    expect((heapInUse() - before) / COUNT).toBeLessThan(4_096);
    expect(sessions).toHaveLength(COUNT);
  });
});
