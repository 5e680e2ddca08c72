/** The far end's part of the file: what is taken, and what is said of what is not. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ConfigError } from '../../src/config/error.ts';
import { Fault } from '../../src/config/leaf.ts';
import { loadServerText } from '../../src/config/load_server.ts';
import { loadText } from '../../src/config/load.ts';
import { effective, effectiveServer } from '../../src/config/redact.ts';
import { generatePassword } from '../../src/config/server_keys.ts';
import { formatListen, formatPorts, parseListen, parsePorts } from '../../src/config/server_leaves.ts';
import { AEAD_METHODS, METHODS_2022 } from '../../src/config/shadowsocks_methods.ts';
import { formatAddress } from '../../src/net/address.ts';

const KEY_16 = Buffer.alloc(16, 1).toString('base64');
const KEY_32 = Buffer.alloc(32, 1).toString('base64');
const OTHER_32 = Buffer.alloc(32, 2).toString('base64');

const load = (server: unknown) =>
  loadServerText({ name: 'f', text: JSON.stringify({ server }), folder: '/etc/snet' });
const listener = (more: object) => ({ type: 'shadowsocks', listen: '8388', method: 'aes-256-gcm', ...more });
const tls = (more: object) => ({ type: 'tls', listen: '443', cert: 'c.pem', key: '/k.pem', ...more });

/** The first problem. */
function problemOf(one: object) {
  try {
    load({ listeners: [one] });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { key, found, expected, hint } = error.problems[0]!;
    return { key: key?.replace('server.listeners[0].', ''), found, expected, hint };
  }
  throw new Error('it was taken');
}

describe('a server', () => {
  test('has defaults for all but its listeners', () => {
    expect(load({ listeners: [listener({ password: 'p' })] })).toMatchObject({
      listeners: [{ type: 'shadowsocks', address: undefined, port: 8388, method: 'aes-256-gcm' }],
      ports: [
        { first: 1, last: 24 },
        { first: 26, last: 65535 },
      ],
      allowPrivate: false,
      maxConnections: undefined,
      maxPerClient: 4096,
      maxStrangers: 1024,
      timeouts: { handshake: 60_000, drain: 30_000, dial: 10_000, idle: 600_000, halfClosed: 30_000 },
      control: undefined,
      aead: 'auto',
      logLevel: 'info',
    });
  });

  test('takes what is said of both programs from above it', () => {
    const text = JSON.stringify({
      server: { listeners: [listener({ password: 'p' })] },
      timeouts: { idle: '1h' },
      'max-connections': 77,
      aead: 'noble',
      log: { level: 'error' },
    });
    expect(loadServerText({ name: 'f', text })).toMatchObject({
      timeouts: { idle: 3_600_000 },
      maxConnections: 77,
      aead: 'noble',
      logLevel: 'error',
    });
  });

  test('has users, and paths from where the file is', () => {
    const users = [
      { name: 'alice', password: 'a' },
      { name: 'bob@home', password: 'b' },
    ];
    const tokens = users.map(({ name, password }) => ({ name, token: password }));
    const server = load({ listeners: [listener({ users }), tls({ users: tokens })], control: 'c.sock' });
    for (const { users } of server.listeners)
      expect([...users].map(([name, key]) => [name, key.reveal()])).toEqual([
        ['alice', 'a'],
        ['bob@home', 'b'],
      ]);
    expect(server.listeners[1]).toMatchObject({ cert: '/etc/snet/c.pem', key: '/k.pem' });
    expect(server.control).toBe('/etc/snet/c.sock');
  });

  test.each([
    ['no listeners', {}, 'server.listeners'],
    ['an empty list', { listeners: [] }, 'server.listeners'],
    ['an object for the list', { listeners: {} }, 'server.listeners'],
    ['backward ports', { listeners: [listener({ password: 'p' })], ports: '90-80' }, 'server.ports'],
    ['no ports', { listeners: [listener({ password: 'p' })], ports: '' }, 'server.ports'],
    ['no room', { listeners: [listener({ password: 'p' })], 'max-strangers': 0 }, 'server.max-strangers'],
    ['an unknown key', { listeners: [listener({ password: 'p' })], port: 1 }, 'server.port'],
  ])('is refused with %s', (_, server, key) => {
    expect(() => load(server)).toThrow(`f:1:`);
    try {
      load(server);
    } catch (error) {
      expect((error as ConfigError).problems.map((one) => one.key)).toEqual([key]);
    }
  });

  test.each([
    [{}, { key: 'password', found: 'neither', expected: 'a password, or users' }],
    [{ password: '' }, { key: 'password', found: 'an empty one' }],
    [
      { password: 'p', users: [{ name: 'a', password: 'a' }] },
      { key: 'password', found: 'one', expected: 'no password beside users' },
    ],
    [
      {
        users: [
          { name: 'a', password: 'x' },
          { name: 'a', password: 'y' },
        ],
      },
      { key: 'users', found: 'a twice' },
    ],
    [
      {
        users: [
          { name: 'a', password: 'x' },
          { name: 'b', password: 'x' },
        ],
      },
      { key: 'users', found: 'the same for a and b' },
    ],
    [{ users: [{ name: 'a b', password: 'x' }] }, { key: 'users[0].name', found: '"a b"' }],
    [{ users: [{ name: 'a' }] }, { key: 'users[0].password', found: 'nothing' }],
    [
      { method: 'rc4-md5', password: 'p' },
      { key: 'method', found: 'rc4-md5' },
    ],
    [
      { method: 'aes-256-gmc', password: 'p' },
      { key: 'method', hint: 'did you mean aes-256-gcm?' },
    ],
    [
      { listen: 'localhost:80', password: 'p' },
      { key: 'listen', found: '"localhost:80"' },
    ],
    [
      { method: '2022-blake3-aes-256-gcm', password: KEY_16 },
      { key: 'password', found: 'base64 of 16 bytes', expected: 'base64 of 32 bytes as its key' },
    ],
    [
      { method: '2022-blake3-aes-256-gcm', password: `${KEY_32}:${OTHER_32}` },
      { key: 'password', found: 'several', expected: 'base64 of one key' },
    ],
    [
      { method: '2022-blake3-aes-256-gcm', users: [{ name: 'a', password: KEY_32 }] },
      { key: 'password', found: 'nothing', expected: "base64 of the server's key" },
    ],
    [
      { method: '2022-blake3-aes-256-gcm', password: KEY_32, users: [{ name: 'a', password: 'hunter2' }] },
      { key: 'users', found: 'a with base64 of 5 bytes' },
    ],
    [
      {
        method: '2022-blake3-chacha20-poly1305',
        password: KEY_32,
        users: [{ name: 'a', password: OTHER_32 }],
      },
      { key: 'password', found: 'one' },
    ],
  ])('refuses a listener with %j', (more, problem) => {
    const said = problemOf(listener(more));
    expect(said).toMatchObject(problem);
    expect(JSON.stringify(said)).not.toContain('hunter2');
  });

  test.each([
    [{}, { key: 'token', found: 'neither', expected: 'a token, or users' }],
    [
      { token: 't', users: [{ name: 'a', token: 'b' }] },
      { key: 'token', found: 'both' },
    ],
    [{ token: '' }, { key: 'token', found: 'an empty token' }],
  ])('refuses a TLS listener with %j', (more, problem) => {
    expect(problemOf(tls(more))).toMatchObject(problem);
  });

  test('says of itself what is effective, but no secret', () => {
    const users = [{ name: 'alice', password: OTHER_32 }];
    const listeners = [
      listener({ method: '2022-blake3-aes-256-gcm', password: KEY_32, users }),
      tls({ token: 'hunter2' }),
    ];
    const said = effectiveServer(load({ listeners }));
    expect(said).toMatchObject({
      server: {
        listeners: [
          {
            type: 'shadowsocks',
            listen: '8388',
            password: '[redacted]',
            users: [{ name: 'alice', password: '[redacted]' }],
          },
          { type: 'tls', listen: '443', cert: '/etc/snet/c.pem', users: [{ token: '[redacted]' }] },
        ],
        ports: '1-24,26-65535',
        timeouts: { handshake: '1m', drain: '30s' },
      },
      timeouts: { idle: '10m' },
    });
    for (const secret of [KEY_32, OTHER_32, 'hunter2']) expect(JSON.stringify(said)).not.toContain(secret);
  });

  test('beside an upstream is part of what is effective', () => {
    const file = {
      upstream: 'ss://aes-256-gcm:p@192.0.2.1:1',
      server: { listeners: [listener({ password: 'hunter2' })] },
    };
    const { config, server } = loadText({ name: 'f', text: JSON.stringify(file) });
    const said = effective(config, server);
    expect(said['server']).toMatchObject({ listeners: [{ listen: '8388', password: '[redacted]' }] });
    expect(effective(config)['server']).toBeUndefined();
  });
});

describe('where to listen', () => {
  test.each([
    ['8388', undefined, 8388],
    [':8388', undefined, 8388],
    ['0.0.0.0:443', '0.0.0.0', 443],
    ['[::]:443', '::', 443],
    ['[2001:db8::1]:1', '2001:db8::1', 1],
  ])('%s', (text, address, port) => {
    const parsed = parseListen(text);
    if (parsed instanceof Fault) throw new Error(parsed.expected);
    expect({ ...parsed, address: parsed.address && formatAddress(parsed.address) }).toEqual({
      address,
      port,
    });
    expect(parseListen(formatListen(parsed))).toEqual(parsed);
  });

  test.each([
    '',
    '0',
    '65536',
    ':0',
    '1.2.3.4',
    '1.2.3.4:',
    '::1:80',
    '[1.2.3.4]:80',
    '1.2.3:80',
    'host:80',
    '[]:80',
  ])('not %j', (text) => expect(parseListen(text)).toBeInstanceOf(Fault));

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseListen(text)));
    fc.assert(fc.property(fc.stringMatching(/^[[\]:.0-9a-f]*$/), (text) => void parseListen(text)));
  });
});

test('ports are read as they are written', () => {
  const port = fc.integer({ min: 1, max: 65535 });
  const range = fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), (ranges) => {
      expect(parsePorts(formatPorts(ranges))).toEqual(ranges);
    }),
  );
  expect(parsePorts(' 80 , 443 - 444 ')).toEqual([
    { first: 80, last: 80 },
    { first: 443, last: 444 },
  ]);
  for (const text of ['', '0', '80,', '80-', '-80', '1-2-3', '70000', 'http', '2-1'])
    expect(parsePorts(text)).toBeInstanceOf(Fault);
});

test.each([...AEAD_METHODS, ...METHODS_2022])(
  'a new password for %s is one that it takes, and no other is the same',
  (method) => {
    const [one, other] = [generatePassword(method).reveal(), generatePassword(method).reveal()];
    expect(one).not.toBe(other);
    load({ listeners: [listener({ method, password: one })] });
  },
);
