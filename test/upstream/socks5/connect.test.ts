import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Secret } from '../../../src/base/secret.ts';
import { parseAddress } from '../../../src/net/address.ts';
import type { Target } from '../../../src/net/target.ts';
import { CredentialsError, type Credentials } from '../../../src/upstream/credentials.ts';
import { socks5Tunnels } from '../../../src/upstream/socks5/connect.ts';
import { bytewise, closedAfter, spoken, type Spoken } from '../spoken.ts';

const target: Target = { address: parseAddress('1.2.3.4')!, port: 443 };
const credentialsOf = (user: string, password: string): Credentials => ({
  user,
  password: new Secret(password),
});
const ours = credentialsOf('fred', 'pass');
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

function connect(credentials?: Credentials, to: Target = target) {
  return socks5Tunnels(credentials)(to).handshake!;
}

/** Bytes as hex in groups: one a message, those that are empty left out. */
const shown = (said: readonly Uint8Array[]) =>
  said.filter(({ length }) => length > 0).map((bytes) => Buffer.from(bytes).toString('hex'));

/** What becomes of answers, which must not depend on how they are cut; nor must what is said. */
function answered(answers: readonly string[], credentials?: Credentials): Spoken {
  const bytes = answers.map(hex);
  const whole = spoken(connect(credentials), bytes);
  const apart = spoken(connect(credentials), bytewise(Buffer.concat(bytes)));
  const together = spoken(connect(credentials), [Buffer.concat(bytes)]);
  for (const other of [apart, together]) {
    // Of a call that throws nothing is sent.
    if (!whole.error) expect(Buffer.concat(other.said)).toEqual(Buffer.concat(whole.said));
    expect([other.isOpen, other.rest, other.error?.message]).toEqual([
      whole.isOpen,
      whole.rest,
      whole.error?.message,
    ]);
  }
  return whole;
}

describe('what is said (RFC 1928 §3, §4; RFC 1929 §2), each after the answer to what was said before', () => {
  test.each<[string, Credentials | undefined, Target, string[], string[]]>([
    [
      'to an IPv4 address, without authentication',
      undefined,
      target,
      ['0500', '05 00 00 01 00000000 0000'],
      ['050100', '050100 01 01020304 01bb'],
    ],
    [
      'to an IPv6 address',
      undefined,
      { address: parseAddress('2001:db8::1')!, port: 80 },
      ['0500', '05 00 00 04 20010db8000000000000000000000001 0050'],
      ['050100', '050100 04 20010db8000000000000000000000001 0050'],
    ],
    [
      'to a name',
      undefined,
      { name: 'a.example', port: 65535 },
      ['0500', '05 00 00 03 09 612e6578616d706c65 ffff'],
      ['050100', '050100 03 09 612e6578616d706c65 ffff'],
    ],
    [
      'with user and password',
      ours,
      target,
      ['0502', '0100', '05 00 00 01 7f000001 0438'],
      ['05020002', '01 04 66726564 04 70617373', '05010001 01020304 01bb'],
    ],
    [
      'with user and password that the proxy does not want',
      ours,
      target,
      ['0500', '05 00 00 01 7f000001 0438'],
      ['05020002', '05010001 01020304 01bb'],
    ],
    [
      'with user and password in UTF-8',
      credentialsOf('ü', '密'),
      target,
      ['0502', '0100', '05 00 00 01 7f000001 0438'],
      ['05020002', '01 02 c3bc 03 e5af86', '05010001 01020304 01bb'],
    ],
  ])('%s', (_, credentials, to, answers, said) => {
    const { isOpen, rest, ...all } = spoken(connect(credentials, to), answers.map(hex));
    expect(shown(all.said)).toEqual(said.map((message) => message.replaceAll(' ', '')));
    expect([isOpen, rest.length]).toEqual([true, 0]);
  });

  test('the longest user and password', () => {
    const { said } = spoken(connect(credentialsOf('u'.repeat(255), 'p'.repeat(255))), [hex('0502')]);
    expect(shown(said)[1]).toBe(`01ff${'75'.repeat(255)}ff${'70'.repeat(255)}`);
  });

  test('a name that is none', () => {
    expect(() => connect(undefined, { name: 'a\0b', port: 1 })).toThrow(RangeError);
  });

  test.each([
    ['no user', '', 'secret-1', 'the user of a SOCKS5 proxy has 0 bytes; 1 to 255 are possible (RFC 1929)'],
    ['no password', 'u', '', 'the password of a SOCKS5 proxy has 0 bytes; 1 to 255 are possible (RFC 1929)'],
    [
      'a long user',
      'ü'.repeat(128),
      'secret-1',
      'the user of a SOCKS5 proxy has 256 bytes; 1 to 255 are possible (RFC 1929)',
    ],
    [
      'a long password',
      'u',
      'secret-1'.repeat(32),
      'the password of a SOCKS5 proxy has 256 bytes; 1 to 255 are possible (RFC 1929)',
    ],
  ])('%s is refused before anything is connected', (_, user, password, message) => {
    expect(() => socks5Tunnels(credentialsOf(user, password))).toThrow(
      new CredentialsError(...(message.split('; ') as [string, string])),
    );
  });
});

describe('a tunnel is opened by a reply that is bound to', () => {
  test.each([
    ['an IPv4 address', '05 00 00 01 c0000201 1f90'],
    ['an IPv6 address', '05 00 00 04 20010db8000000000000000000000001 1f90'],
    ['a name', '05 00 00 03 05 70726f7879 1f90'],
    ['the longest name', `05 00 00 03 ff ${'61'.repeat(255)} 1f90`],
    ['a name of no length', '05 00 00 03 00 0000'],
    ['nothing known', '05 00 00 01 00000000 0000'],
    ['something, with a reserved byte that is not 0', '05 00 ff 01 c0000201 1f90'],
  ])('%s', (_, reply) => {
    for (const behind of ['', '05', '0500000100000000', '00'.repeat(30_000)]) {
      const { isOpen, rest, error } = answered(['0500', reply + behind]);
      expect([isOpen, Buffer.from(rest).toString('hex'), error]).toEqual([true, behind, undefined]);
    }
  });

  test('an authentication that is answered with the version of SOCKS', () => {
    expect(answered(['0502', '0500', '05 00 00 01 c0000201 1f90'], ours).isOpen).toBe(true);
  });
});

describe('refused', () => {
  test.each([
    [1, 'ERR_PROXY_FAILED', 'general SOCKS server failure'],
    [2, 'ERR_PROXY_DENIED', 'connection not allowed by ruleset'],
    [3, 'ERR_TARGET_UNREACHABLE', 'network unreachable'],
    [4, 'ERR_TARGET_UNREACHABLE', 'host unreachable'],
    [5, 'ERR_TARGET_REFUSED', 'connection refused'],
    [6, 'ERR_TARGET_TIMEOUT', 'TTL expired'],
    [7, 'ERR_PROXY_UNSUPPORTED', 'command not supported'],
    [8, 'ERR_PROXY_UNSUPPORTED', 'address type not supported'],
    [9, 'ERR_PROTOCOL', 'a code that nobody has assigned'],
    [255, 'ERR_PROTOCOL', 'a code that nobody has assigned'],
  ])('reply %i: %s, %s', (code, status, words) => {
    const reply = `05 ${code.toString(16).padStart(2, '0')}`;
    // Some say no more than that, others what they are bound to, or nonsense.
    for (const behind of ['', '00 01 00000000 0000', '00 00', '00 03 ff']) {
      const { isOpen, rest, error } = answered(['0500', reply + behind]);
      expect([isOpen, rest.length, error?.status, error?.message]).toEqual([
        false,
        0,
        status,
        `the SOCKS5 proxy replies ${code}: ${words}`,
      ]);
    }
  });

  test.each<[string, Credentials | undefined, string[], string, string, string | undefined]>([
    [
      'no acceptable methods, without credentials',
      undefined,
      ['05ff'],
      'ERR_PROXY_AUTH',
      'the SOCKS5 proxy does not accept no authentication',
      'give the user and the password of this upstream',
    ],
    [
      'no acceptable methods, with credentials',
      ours,
      ['05ff'],
      'ERR_PROXY_AUTH',
      'the SOCKS5 proxy accepts neither no authentication nor a user and a password',
      undefined,
    ],
    [
      'credentials',
      ours,
      ['0502', '01ff'],
      'ERR_PROXY_AUTH',
      'the SOCKS5 proxy does not accept our credentials: status 255',
      'check the user and the password of this upstream',
    ],
    [
      'a method that was not offered: password',
      undefined,
      ['0502'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy chose method 2, which was not offered',
      undefined,
    ],
    [
      'a method that was not offered: GSSAPI',
      ours,
      ['0501'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy chose method 1, which was not offered',
      undefined,
    ],
    [
      'SOCKS4',
      undefined,
      ['005a'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy answers in version 0, not 5',
      undefined,
    ],
    [
      'HTTP',
      undefined,
      [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n').toString('hex')],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy answers in version 72, not 5',
      'does it speak HTTP?',
    ],
    [
      'another negotiation',
      ours,
      ['0502', '0200'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy answers credentials in version 2, not 1',
      undefined,
    ],
    [
      'another version later on',
      undefined,
      ['0500', '04005000'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy answers in version 4, not 5',
      undefined,
    ],
    [
      'an address type that nobody knows',
      undefined,
      ['0500', '05000002'],
      'ERR_PROTOCOL',
      'the SOCKS5 proxy replies with address type 2; 1, 3 and 4 are known',
      undefined,
    ],
  ])('%s', (_, credentials, answers, status, message, hint) => {
    const { isOpen, error } = answered(answers, credentials);
    expect([isOpen, error?.status, error?.message, error?.hint]).toEqual([false, status, message, hint]);
  });
});

test.each<[string, string[], string]>([
  ['before its answer', [], 'the SOCKS5 proxy closed without an answer'],
  ['within the method', ['05'], 'the SOCKS5 proxy closed before it had replied'],
  ['instead of a status', ['0502'], 'the SOCKS5 proxy closed before it had replied'],
  ['instead of a reply', ['0502', '0100'], 'the SOCKS5 proxy closed before it had replied'],
  [
    'within a reply',
    ['0500', '05 00 00 03 05 70726f7879 1f'],
    'the SOCKS5 proxy closed before it had replied',
  ],
])('the proxy closes %s', (_, answers, message) => {
  const error = closedAfter(connect(ours), answers.map(hex));
  expect([error.status, error.message]).toEqual(['ERR_PROXY_CLOSED', message]);
});

test('whatever it is answered: open, refused, or waiting for more, the same however it is cut', () => {
  const start = fc.constantFrom(
    '',
    '05',
    '0500',
    '0502',
    '050201',
    '05020100',
    '0502010005',
    '0500050000',
    '050005000003',
  );
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (good, random, hasCredentials) => {
      const { isOpen, rest, error } = answered(
        [good + Buffer.from(random).toString('hex')],
        hasCredentials ? ours : undefined,
      );
      if (!isOpen) expect(rest).toHaveLength(0);
      // No answer is longer than a reply with the longest name.
      if (random.length >= 2 + 2 + 262) expect(isOpen || error !== undefined).toBe(true);
    }),
  );
});
