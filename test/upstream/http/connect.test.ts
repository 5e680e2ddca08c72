import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Secret } from '../../../src/base/secret.ts';
import { parseAddress } from '../../../src/net/address.ts';
import type { SessionStatus } from '../../../src/net/session.ts';
import type { Target } from '../../../src/net/target.ts';
import { CredentialsError, type Credentials } from '../../../src/upstream/credentials.ts';
import { httpTunnels } from '../../../src/upstream/http/connect.ts';
import { HEAD_LIMIT } from '../../../src/upstream/http/response_head.ts';
import { bytewise, closedAfter, spoken, type Spoken } from '../spoken.ts';

const target: Target = { name: 'www.example.com', port: 80 };
const credentialsOf = (user: string, password: string): Credentials => ({
  user,
  password: new Secret(password),
});
const aladdin = credentialsOf('Aladdin', 'open sesame');
const latin1 = (text: string) => Buffer.from(text, 'latin1');

function connect(credentials?: Credentials, to: Target = target) {
  return httpTunnels(credentials)(to).handshake!;
}

/** What becomes of an answer, which must not depend on how it is cut. */
function answered(answer: string | Uint8Array, credentials?: Credentials): Spoken {
  const bytes = typeof answer === 'string' ? latin1(answer) : answer;
  const whole = spoken(connect(credentials), [bytes]);
  const apart = spoken(connect(credentials), bytewise(bytes));
  expect([apart.isOpen, apart.error?.status, apart.error?.message]).toEqual([
    whole.isOpen,
    whole.error?.status,
    whole.error?.message,
  ]);
  // Bytes behind the header come one by one then, to a tunnel that is open.
  if (whole.isOpen) expect(Buffer.compare(apart.rest, whole.rest)).toBe(0);
  return whole;
}

const requestOf = (to: Target, credentials?: Credentials) =>
  Buffer.from(spoken(connect(credentials, to), []).said[0]!).toString('latin1');

describe('the request', () => {
  test.each<[string, Target]>([
    // RFC 9112 §3.2.3.
    ['www.example.com:80', target],
    ['server.example.com:443', { name: 'server.example.com', port: 443 }],
    ['192.0.2.1:8443', { address: parseAddress('192.0.2.1')!, port: 8443 }],
    ['[2001:db8::1]:443', { address: parseAddress('2001:db8::1')!, port: 443 }],
    ['a_b.example:65535', { name: 'a_b.example', port: 65535 }],
  ])('%s', (authority, to) => {
    expect(requestOf(to)).toBe(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  });

  test.each([
    // RFC 7617 §2 and §2.1.
    ['Aladdin', 'open sesame', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['test', '123£', 'dGVzdDoxMjPCow=='],
    ['', '', 'Og=='],
    ['user', 'with:colons::', 'dXNlcjp3aXRoOmNvbG9uczo6'],
  ])('with credentials %p', (user, password, encoded) => {
    expect(requestOf(target, credentialsOf(user, password))).toBe(
      'CONNECT www.example.com:80 HTTP/1.1\r\nHost: www.example.com:80\r\n' +
        `Proxy-Authorization: Basic ${encoded}\r\n\r\n`,
    );
  });

  test.each([
    ['a colon in the user', 'a:b', 'secret-1'],
    ['a line break in the user', 'a\r\nX: y', 'secret-1'],
    ['a line break behind the password', 'a', 'secret-1\n'],
    ['a NUL in the password', 'a', 'secret-1\0'],
  ])('%s is refused before anything is connected', (_, user, password) => {
    const credentials = credentialsOf(user, password);
    expect(() => httpTunnels(credentials)).toThrow(CredentialsError);
    expect(() => httpTunnels(credentials)).not.toThrow(/secret-1/);
  });

  test('whatever a name holds, it makes no line of its own', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.domain(), nearlyNames), (name) => {
        let request: string;
        try {
          request = requestOf({ name, port: 80 });
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(request).toBe(`CONNECT ${name}:80 HTTP/1.1\r\nHost: ${name}:80\r\n\r\n`);
        expect(request.split(/[\r\n]+/)).toHaveLength(3);
        expect(name).not.toMatch(/[^\x21-\x7e]/);
      }),
    );
  });
});

const nearlyNames = fc
  .tuple(
    fc.domain(),
    fc.constantFrom('\r\n', '\n', '\r', ' ', '\0', '\u010a', ':', '/', '@', '%0d%0a'),
    fc.domain(),
  )
  .map((parts) => parts.join(''));

describe('a tunnel is opened by', () => {
  test.each([
    ['200 with a reason', 'HTTP/1.1 200 Connection established\r\n\r\n'],
    ['an HTTP/1.0 answer', 'HTTP/1.0 200 OK\r\nProxy-agent: x\r\n\r\n'],
    ['no reason', 'HTTP/1.1 200 \r\n\r\n'],
    ['not even the space before it', 'HTTP/1.1 200\r\n\r\n'],
    ['any other 2xx', 'HTTP/1.1 299 Whatever\r\n\r\n'],
    ['lines that end in LF', 'HTTP/1.1 200 OK\nVia: 1.1 x\n\n'],
    ['lines that end in one or the other', 'HTTP/1.1 200 OK\r\nVia: 1.1 x\n\r\n'],
    ['an announced body, which there is none of', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['an announced coding, which is not used', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['one after an interim answer', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    [
      'one after several',
      `${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(20)}HTTP/1.1 200 OK\r\n\r\n`,
    ],
    ['fields that are folded, empty, none', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nD:\r\nE\r\n:\r\n\r\n'],
  ])('%s', (_, head) => {
    for (const behind of [
      '',
      'SSH-2.0-x\r\n',
      '\r\n\r\n',
      'HTTP/1.1 403 Forbidden\r\n\r\n',
      '\0'.repeat(30_000),
    ]) {
      const { isOpen, rest, said } = answered(head + behind);
      expect(isOpen).toBe(true);
      expect(Buffer.from(rest).toString('latin1')).toBe(behind);
      expect(said.slice(1).every(({ length }) => length === 0)).toBe(true);
    }
  });
});

describe('refused', () => {
  test.each([
    ['HTTP/1.1 403 Forbidden', 'ERR_PROXY_DENIED', 'the HTTP proxy answers 403 Forbidden'],
    ['HTTP/1.1 451 ', 'ERR_PROXY_DENIED', 'the HTTP proxy answers 451'],
    ['HTTP/1.0 502 Bad Gateway', 'ERR_TARGET_UNREACHABLE', 'the HTTP proxy answers 502 Bad Gateway'],
    ['HTTP/1.1 503 Busy', 'ERR_PROXY_UNAVAILABLE', 'the HTTP proxy answers 503 Busy'],
    ['HTTP/1.1 429 Slow down', 'ERR_PROXY_UNAVAILABLE', 'the HTTP proxy answers 429 Slow down'],
    ['HTTP/1.1 504 Gateway Timeout', 'ERR_TARGET_TIMEOUT', 'the HTTP proxy answers 504 Gateway Timeout'],
    ['HTTP/1.1 405 No', 'ERR_PROXY_UNSUPPORTED', 'the HTTP proxy answers 405 No'],
    ['HTTP/1.1 501 No', 'ERR_PROXY_UNSUPPORTED', 'the HTTP proxy answers 501 No'],
    ['HTTP/1.1 400 Bad Request', 'ERR_PROXY_FAILED', 'the HTTP proxy answers 400 Bad Request'],
    ['HTTP/1.1 302 Found\r\nLocation: /login', 'ERR_PROXY_FAILED', 'the HTTP proxy answers 302 Found'],
    ['HTTP/1.1 500 Oops', 'ERR_PROXY_FAILED', 'the HTTP proxy answers 500 Oops'],
    ['HTTP/1.1 999 Oops', 'ERR_PROXY_FAILED', 'the HTTP proxy answers 999 Oops'],
    ['HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 403 No', 'ERR_PROXY_DENIED', 'the HTTP proxy answers 403 No'],
    ['HTTP/1.1 101 Other', 'ERR_PROTOCOL', 'the HTTP proxy answers 101 Other, which nobody asked for'],
    // What squid 5.7 and tinyproxy 1.11 say of a target that they don't get to.
    [
      'HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111',
      'ERR_TARGET_UNREACHABLE',
      'the HTTP proxy answers 503 Service Unavailable: ERR_CONNECT_FAIL',
    ],
    [
      'HTTP/1.1 503 Service Unavailable\r\nx-squid-error:ERR_DNS_FAIL 0\t',
      'ERR_TARGET_UNREACHABLE',
      'the HTTP proxy answers 503 Service Unavailable: ERR_DNS_FAIL',
    ],
    [
      'HTTP/1.1 500 Internal Server Error\r\nX-Squid-Error: ERR_CANNOT_FORWARD 0',
      'ERR_TARGET_UNREACHABLE',
      'the HTTP proxy answers 500 Internal Server Error: ERR_CANNOT_FORWARD',
    ],
    [
      'HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_TOO_BIG 0',
      'ERR_PROXY_UNAVAILABLE',
      'the HTTP proxy answers 503 Service Unavailable',
    ],
    [
      'HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0',
      'ERR_PROXY_DENIED',
      'the HTTP proxy answers 403 Forbidden',
    ],
    [
      'HTTP/1.1 504 Gateway Timeout\r\nX-Squid-Error: ERR_CONNECT_FAIL 110',
      'ERR_TARGET_TIMEOUT',
      'the HTTP proxy answers 504 Gateway Timeout',
    ],
    [
      'HTTP/1.0 500 Unable to connect',
      'ERR_TARGET_UNREACHABLE',
      'the HTTP proxy answers 500 Unable to connect',
    ],
    // Nothing of what a hostile proxy writes drives a terminal, or fills a log.
    ['HTTP/1.1 403 \x1b[2J\x07\x9b\0ha\rha', 'ERR_PROXY_DENIED', 'the HTTP proxy answers 403 ?[2J???ha?ha'],
    [`HTTP/1.1 403 ${'x'.repeat(5000)}`, 'ERR_PROXY_DENIED', `the HTTP proxy answers 403 ${'x'.repeat(80)}…`],
  ])('%p', (head, status, message) => {
    for (const behind of ['', '<html>not for the client</html>']) {
      const { isOpen, rest, error } = answered(`${head}\r\nContent-Length: 4\r\n\r\n${behind}`);
      expect([isOpen, rest.length, error?.status, error?.message]).toEqual([false, 0, status, message]);
    }
  });

  test.each([
    ['', '', 'give the user and the password of this upstream'],
    [
      'Proxy-Authenticate: Basic realm="x"',
      '; it takes Basic',
      'give the user and the password of this upstream',
    ],
    // RFC 9110 §11.6.1: one line with two challenges, commas in quotes.
    [
      'Proxy-Authenticate: Basic realm="a, Digest b", Newauth realm="apps", type=1, title="Login to \\"apps\\", now"',
      '; it takes Basic, Newauth',
      'give the user and the password of this upstream',
    ],
    [
      'Proxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\nProxy-Authenticate: Digest realm = "x"',
      '; it takes Negotiate, NTLM, Digest',
      'of the ways to authenticate only Basic is spoken here',
    ],
    [
      `Proxy-Authenticate: ${'a, b, c, d, e, f, g, '.repeat(3)}`,
      '; it takes a, b, c, d, e',
      'of the ways to authenticate only Basic is spoken here',
    ],
    ['Proxy-Authenticate: "unfinished \\', '', 'give the user and the password of this upstream'],
    ['Proxy-Authenticate: , ,=,"",\x1b[1m', '', 'give the user and the password of this upstream'],
  ])('407 without credentials: %p', (field, schemes, hint) => {
    const { error } = answered(`HTTP/1.1 407 Who?\r\n${field}${field && '\r\n'}\r\n`);
    expect([error?.status, error?.message, error?.hint]).toEqual([
      'ERR_PROXY_AUTH',
      `the HTTP proxy answers 407 Who?: no credentials were sent${schemes}`,
      hint,
    ]);
  });

  test('407 with credentials', () => {
    const { error } = answered('HTTP/1.1 407 No\r\nProxy-Authenticate: basic realm=x\r\n\r\n', aladdin);
    expect([error?.status, error?.message, error?.hint]).toEqual([
      'ERR_PROXY_AUTH',
      'the HTTP proxy answers 407 No: our credentials were not accepted; it takes basic',
      'check the user and the password of this upstream',
    ]);
  });

  test.each([
    ['password', 'HTTP/1.1 407 Not open sesame\r\n\r\n'],
    ['header', 'HTTP/1.1 403 Got Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n'],
    ['password as a scheme', 'HTTP/1.1 407 No\r\nProxy-Authenticate: pass-word-that-is-long\r\n\r\n'],
  ])('a proxy that repeats our %s: it gets into no message', (_, answer) => {
    for (const credentials of [aladdin, credentialsOf('Aladdin', 'pass-word-that-is-long')]) {
      const { error } = answered(answer, credentials);
      const told = `${error!.message} ${error!.hint}`;
      expect(answer).toMatch(/open sesame|QWxhZGRpbjpvcGVuIHNlc2FtZQ==|pass-word/);
      if (credentials === aladdin) expect(told).not.toMatch(/sesame|QWxh/);
      else expect(told).not.toMatch(/pass-word/);
    }
  });

  test('a password that is not ASCII, repeated', () => {
    const { error } = answered(Buffer.from('HTTP/1.1 403 pässword\r\n\r\n'), credentialsOf('a', 'pässword'));
    expect(error?.message).toBe('the HTTP proxy answers 403');
  });
});

describe('not an answer', () => {
  test.each([
    ['SSH', 'SSH-2.0-OpenSSH_9.2\r\n', "the HTTP proxy's answer is not HTTP/1"],
    ['another version', 'HTTP/2 200\r\n\r\n', "the HTTP proxy's answer is not HTTP/1"],
    ['HTTP/2 frames', '\0\0\x12\x04\0\0\0\0\0', "the HTTP proxy's answer is not HTTP/1"],
    ['an empty line first', '\r\nHTTP/1.1 200 OK\r\n\r\n', "the HTTP proxy's answer is not HTTP/1"],
    ['a TLS alert', '\x15\x03\x03\0\x02\x02\x46', 'the HTTP proxy answers in TLS'],
    ['no status', 'HTTP/1.1 OK\r\n\r\n', "the HTTP proxy's answer has a malformed status line"],
    [
      'a status of two digits',
      'HTTP/1.1 20 OK\r\n\r\n',
      "the HTTP proxy's answer has a malformed status line",
    ],
    ['a status of four', 'HTTP/1.1 2000 OK\r\n\r\n', "the HTTP proxy's answer has a malformed status line"],
    [
      'a status that begins with 0',
      'HTTP/1.1 020 OK\r\n\r\n',
      "the HTTP proxy's answer has a malformed status line",
    ],
    ['a second answer that is none', 'HTTP/1.1 100 \r\n\r\nnone', "the HTTP proxy's answer is not HTTP/1"],
  ])('%s', (_, answer, message) => {
    const { isOpen, error } = answered(answer);
    expect([isOpen, error?.status, error?.message]).toEqual([false, 'ERR_PROTOCOL', message]);
  });

  test('what is wrong is told at its first byte: who speaks something else may say no more', () => {
    expect(spoken(connect(), [latin1('HT')]).error).toBeUndefined();
    expect(spoken(connect(), [latin1('HTX')]).error?.status).toBe('ERR_PROTOCOL');
    expect(spoken(connect(), [latin1('\x15')]).error?.hint).toBe('write https:// for http://');
  });

  /** A head of so many bytes in all. */
  const headOf = (length: number, status = 'HTTP/1.1 200 OK') => {
    const rest = length - `${status}\r\nX: \r\n\r\n`.length;
    return `${status}\r\nX: ${'x'.repeat(rest)}\r\n\r\n`;
  };

  test.each<[string, string, SessionStatus | undefined]>([
    ['the longest head', headOf(HEAD_LIMIT), undefined],
    ['one byte more', headOf(HEAD_LIMIT + 1), 'ERR_PROTOCOL'],
    ['interim heads count', headOf(HEAD_LIMIT - 100, 'HTTP/1.1 100 x') + headOf(100), undefined],
    ['with one byte more', headOf(HEAD_LIMIT - 100, 'HTTP/1.1 100 x') + headOf(101), 'ERR_PROTOCOL'],
    ['many lines', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(3000)}\r\n`, 'ERR_PROTOCOL'],
    ['a line without end', `HTTP/1.1 200 ${'x'.repeat(HEAD_LIMIT)}`, 'ERR_PROTOCOL'],
    ['a refusal that is too long', headOf(HEAD_LIMIT + 1, 'HTTP/1.1 403 No'), 'ERR_PROTOCOL'],
    ['bytes behind the head do not count', headOf(HEAD_LIMIT) + 'x'.repeat(100), undefined],
  ])('%s', (_, answer, status) => {
    const { isOpen, error } = answered(answer);
    expect([isOpen, error?.status]).toEqual([status === undefined, status]);
  });
});

test.each([
  ['before its answer', '', 'the HTTP proxy closed without an answer'],
  ['within the status line', 'HTTP/1.1 20', 'the HTTP proxy closed within its answer'],
  ['within the fields', 'HTTP/1.1 200 OK\r\nVia: x\r\n', 'the HTTP proxy closed within its answer'],
  ['after an interim answer', 'HTTP/1.1 100 \r\n\r\n', 'the HTTP proxy closed without an answer'],
])('the proxy closes %s', (_, answer, message) => {
  const error = closedAfter(connect(), [latin1(answer)]);
  expect([error.status, error.message]).toEqual(['ERR_PROXY_CLOSED', message]);
});

describe('whatever it is answered: open, refused, or waiting for more, the same however it is cut', () => {
  const line = fc.oneof(
    fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.0 407 ',
      'HTTP/1.1 100',
      'Proxy-Authenticate: Basic a=b, ',
      '',
      '"',
      ' ',
    ),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  const lines = fc
    .array(fc.tuple(line, fc.constantFrom('\r\n', '\n', '\r', '')))
    .map((all) => all.flat().join(''));
  test.each<[string, fc.Arbitrary<Uint8Array>]>([
    ['random bytes', fc.uint8Array({ maxLength: 200 })],
    ['random lines', lines.map((text): Uint8Array => latin1(text))],
    [
      'random lines of an answer',
      lines.map((text): Uint8Array => latin1(`HTTP/1.1 407 x\r\n${text}\r\n\r\n`)),
    ],
    [
      'random bytes in a reason',
      fc
        .uint8Array()
        .map((bytes): Uint8Array => Buffer.concat([latin1('HTTP/1.1 500 '), bytes, latin1('\n\n')])),
    ],
  ])('%s', (_, answers) => {
    fc.assert(
      fc.property(answers, (answer) => {
        const { isOpen, rest, error } = answered(answer, aladdin);
        if (!isOpen) expect(rest).toHaveLength(0);
        if (error) expect(error.message).toMatch(/^[\x20-\x7e…]{1,250}$/);
      }),
    );
  });
});
