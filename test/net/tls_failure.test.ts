import { describe, expect, test } from 'bun:test';
import { isOfCertificate, readTlsFailure } from '../../src/net/tls_failure.ts';

/** As the runtime makes them (Bun 1.4.5). */
const withCode = (code: string, message = '') => Object.assign(new Error(message), { code });
const alert = (reason: string) =>
  withCode('EPROTO', `error:10000000:SSL routines:OPENSSL_internal:${reason}`);

const read = (error: Error | null, certified?: string) => readTlsFailure(error, 'a.test', certified);

test.each<[string, Error | null, string, RegExp]>([
  ['no error', null, 'other', /^TLS failed$/],
  ['an error without a code', new Error('?'), 'other', /^TLS failed$/],
  ['a close', withCode('ECONNRESET'), 'closed', /^closed before TLS/],
  ['HTTP', alert('WRONG_VERSION_NUMBER'), 'no-tls', /does not speak TLS/],
  ['an old server', alert('TLSV1_ALERT_PROTOCOL_VERSION'), 'version', /before 1\.2/],
  [
    'a server without our ciphers',
    alert('SSLV3_ALERT_HANDSHAKE_FAILURE'),
    'refused',
    /refused the handshake/,
  ],
  ['a server of other names', alert('TLSV1_ALERT_UNRECOGNIZED_NAME'), 'refused', /nobody of the name/],
  [
    'a server that wants a certificate',
    alert('TLSV1_ALERT_CERTIFICATE_REQUIRED'),
    'client-certificate',
    /wants a certificate/,
  ],
  [
    'a server that knows our authority not',
    alert('TLSV1_ALERT_UNKNOWN_CA'),
    'client-certificate',
    /does not believe/,
  ],
  [
    'an alert of no further note',
    alert('TLSV1_ALERT_INTERNAL_ERROR'),
    'other',
    /\(TLSV1_ALERT_INTERNAL_ERROR\)$/,
  ],
  [
    'the same of node:tls',
    withCode('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', alert('TLSV1_ALERT_INTERNAL_ERROR').message),
    'other',
    /\(TLSV1_ALERT_INTERNAL_ERROR\)$/,
  ],
  ['a date gone by', withCode('CERT_HAS_EXPIRED'), 'expired', /has expired/],
  ['a date to come', withCode('CERT_NOT_YET_VALID'), 'not-yet-valid', /not valid yet/],
  [
    'an unknown authority',
    withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
    'untrusted',
    /by nobody who is trusted$/,
  ],
  ['no authority', withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), 'untrusted', /only by itself/],
  ['a client certificate', withCode('INVALID_PURPOSE'), 'bad-certificate', /not one for servers/],
  ['what the runtime has no word for', withCode('UNSPECIFIED'), 'bad-certificate', /not as it has to be/],
])('%s', (_, error, kind, said) => {
  const failure = read(error);
  expect([failure.kind as string, failure.said]).toEqual([kind, expect.stringMatching(said)]);
});

test('a code that nobody knows is not taken for a judgement on the certificate alone', () => {
  expect(isOfCertificate(read(withCode('SOMETHING_NEW')).kind)).toBe(false);
  expect(isOfCertificate(read(withCode('CERT_HAS_EXPIRED')).kind)).toBe(true);
});

describe('a wrong name', () => {
  const names = (certified?: string) => read(withCode('ERR_TLS_CERT_ALTNAME_INVALID'), certified).said;

  test.each([
    [undefined, 'no name'],
    ['', 'no name'],
    ['DNS:b.test', 'b.test'],
    [
      'DNS:*.b.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1',
      '*.b.test, 192.0.2.1, 2001:db8::1',
    ],
    ['DNS:a, DNS:b, DNS:c, DNS:d, DNS:e, DNS:f, DNS:g', 'a, b, c, d, e and 2 more'],
    ['DNS:b\n2026 info\u001b[2J\u202e', 'b?2026 info?[2J?'],
  ])('%p', (certified, listed) => {
    expect(names(certified)).toBe(`its certificate is not for a.test, but for ${listed}`);
  });

  test('names of any length make one line of bounded length', () => {
    expect(
      names(
        Array(900)
          .fill(`DNS:${'x'.repeat(5_000)}`)
          .join(', '),
      ).length,
    ).toBeLessThan(700);
  });
});
