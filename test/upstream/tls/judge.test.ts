/** Who is believed, from what the runtime says and the certificate. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { judge, type Belief, type Seen } from '../../../src/upstream/tls/judge.ts';
import { Resumption } from '../../../src/upstream/tls/resumption.ts';
import { createTlsClient } from '../../../src/upstream/tls/create.ts';
import { createCertificates, KINDS, NAME, type Kind } from '../../dns/exchange/certificates.ts';
import { describeNeeding } from '../../needs.ts';

const withCode = (code: string, message = code) => Object.assign(new Error(message), { code });
const WRONG_NAME = withCode('ERR_TLS_CERT_ALTNAME_INVALID');
const SELF_SIGNED = withCode('DEPTH_ZERO_SELF_SIGNED_CERT');
const EXPIRED = withCode('CERT_HAS_EXPIRED');
const ALERT = withCode('EPROTO', 'error:1:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE');

const FALSE_PIN = '0'.repeat(64);

describeNeeding(['openssl'], 'a server', () => {
  const certificates = new Map<Kind, X509Certificate>();
  const pins = new Map<Kind, string>();
  beforeAll(async () => {
    await using made = await createCertificates();
    for (const kind of KINDS) {
      const certificate = new X509Certificate(readFileSync(made.certificate(kind)));
      certificates.set(kind, certificate);
      pins.set(kind, createHash('sha256').update(certificate.raw).digest('hex'));
    }
  });
  afterAll(() => certificates.clear());

  const believed = (kind: Kind | undefined, belief: Partial<Belief>, seen: Partial<Seen>) => {
    const certificate = kind && certificates.get(kind);
    const error = judge(
      { server: 'the.server', name: NAME, pins: [], insecure: false, ...belief },
      { completed: true, error: null, certificate, ...seen },
    );
    return error ? [error.status, error.message, error.hint] : 'believed';
  };
  const bad = (message: RegExp) => ['ERR_TLS_CERTIFICATE', expect.stringMatching(message), expect.anything()];
  const broken = (message: RegExp) => ['ERR_TLS', expect.stringMatching(message), undefined];

  describe('by its name', () => {
    test('is believed when the runtime says yes, and nothing else', () => {
      expect(believed('good', {}, {})).toBe('believed');
      expect(believed('good', {}, { completed: false })).toEqual(broken(/^the\.server: TLS failed$/));
    });

    test.each([
      ['false, as of a new session', false],
      ['true, as of one that is resumed', true],
    ])('is not believed for what is said of its certificate, with `completed` %s', (_, completed) => {
      expect(believed('selfSigned', {}, { completed, error: SELF_SIGNED })).toEqual(
        bad(/only by itself \(SHA-256 /),
      );
      expect(believed('expired', {}, { completed, error: EXPIRED })).toEqual(bad(/has expired/));
      expect(believed('otherName', {}, { completed, error: WRONG_NAME })).toEqual(
        bad(/not for dns\.test, but for other\.test, 192\.0\.2\.1/),
      );
    });

    test('that shows no certificate is nobody', () => {
      expect(believed(undefined, {}, {})).toEqual(broken(/no certificate/));
      expect(believed(undefined, { insecure: true }, {})).toEqual(broken(/no certificate/));
    });
  });

  describe('by its address', () => {
    const address = { name: '127.0.0.1' };

    test('is believed if the certificate has it, whatever the runtime says of another name', () => {
      for (const error of [null, WRONG_NAME])
        for (const completed of [true, false])
          if (completed || error) expect(believed('good', address, { completed, error })).toBe('believed');
      expect(believed('good', { name: '::1' }, { error: WRONG_NAME })).toBe('believed');
    });

    test('is not believed if it has it not, also where the runtime is content', () => {
      for (const error of [null, WRONG_NAME])
        expect(believed('otherName', address, { error })).toEqual(
          bad(/not for 127\.0\.0\.1, but for other\.test, /),
        );
    });

    test('is not believed for another reason', () => {
      expect(believed('expired', address, { error: EXPIRED })).toEqual(bad(/has expired/));
      expect(believed('good', address, { completed: false })).toEqual(broken(/TLS failed/));
    });
  });

  describe('by a pin', () => {
    test.each<[Kind, Error]>([
      ['selfSigned', SELF_SIGNED],
      ['expired', EXPIRED],
      ['otherName', WRONG_NAME],
    ])('is believed whatever is said of its certificate: %s', (kind, error) => {
      const own = { pins: [FALSE_PIN, pins.get(kind)!] };
      for (const completed of [true, false])
        expect(believed(kind, own, { completed, error })).toBe('believed');
      expect(believed(kind, { ...own, insecure: true }, { error })).toBe('believed');
      expect(believed(kind, { ...own, name: '192.0.2.99' }, { error })).toBe('believed');
    });

    test('is not believed if it is another, also with a good certificate, and one is told which it is', () => {
      for (const insecure of [false, true])
        expect(believed('good', { pins: [FALSE_PIN, pins.get('expired')!], insecure }, {})).toEqual(
          bad(new RegExp(`none of those pinned, but the one with SHA-256 ${pins.get('good')}$`)),
        );
    });

    test('is not believed before the handshake is over, also with its certificate at hand', () => {
      for (const error of [ALERT, withCode('ECONNRESET'), withCode('SOMETHING_NEW'), null])
        expect(believed('good', { pins: [pins.get('good')!] }, { completed: false, error })).toEqual([
          'ERR_TLS',
          expect.anything(),
          error && (error as { code?: string }).code === 'ECONNRESET' ? expect.anything() : undefined,
        ]);
    });
  });

  test('whose certificate need not be good is believed with any, after a whole handshake', () => {
    const insecure = { insecure: true };
    expect(believed('selfSigned', insecure, { error: SELF_SIGNED })).toBe('believed');
    expect(
      believed('otherName', { ...insecure, name: '192.0.2.9' }, { completed: false, error: WRONG_NAME }),
    ).toBe('believed');
    expect(believed('good', insecure, { completed: false, error: ALERT })).toEqual(
      broken(/refused the handshake/),
    );
  });
});

describe('what is offered', () => {
  const optionsOf = (more: object) =>
    createTlsClient({ host: 'a.test', pins: [], insecure: false, ...more }).options;

  test.each<[string, object, object]>([
    ['a name', {}, { serverName: 'a.test', rejectUnauthorized: true }],
    ['a name with a dot', { host: 'a.test.' }, { serverName: 'a.test', rejectUnauthorized: true }],
    ['an address', { host: '192.0.2.1' }, { rejectUnauthorized: false }],
    [
      'another name',
      { host: '192.0.2.1', sni: 'b.test' },
      { serverName: 'b.test', rejectUnauthorized: true },
    ],
    ['an address instead', { sni: '2001:db8::1' }, { rejectUnauthorized: false }],
    ['pins', { pins: [FALSE_PIN] }, { serverName: 'a.test', rejectUnauthorized: false }],
    ['no care', { insecure: true }, { serverName: 'a.test', rejectUnauthorized: false }],
    [
      'protocols',
      { alpn: ['h2', 'http/1.1'] },
      { serverName: 'a.test', rejectUnauthorized: true, ALPNProtocols: '\x02h2\x08http/1.1' },
    ],
    [
      'files',
      { caPem: 'CA', certPem: 'CERT', keyPem: 'KEY' },
      { serverName: 'a.test', rejectUnauthorized: true, ca: 'CA', cert: 'CERT', key: 'KEY' },
    ],
  ])('with %s', (_, more, options) => {
    expect(optionsOf(more)).toEqual(options);
  });

  test('there is a warning where nothing is verified, and there only', () => {
    const warningOf = (more: object) =>
      createTlsClient({ host: 'a.test', pins: [], insecure: false, ...more }).warning;
    expect(warningOf({ insecure: true })).toStartWith('a.test: its certificate is not verified');
    expect(warningOf({ insecure: true, pins: [FALSE_PIN] })).toBeUndefined();
    expect(warningOf({})).toBeUndefined();
  });
});

describe('a session', () => {
  const socket = () => {
    const offered: string[] = [];
    const fake = { setSession: (session: Buffer) => void offered.push(session.toString()) };
    return { offered, fake: fake as unknown as Parameters<Resumption['offer']>[0] };
  };
  const opened = (resumption: Resumption) => {
    const one = socket();
    resumption.offer(one.fake);
    return one;
  };

  test('is offered to all later connections, the newest one', () => {
    const resumption = new Resumption();
    expect(opened(resumption).offered).toEqual([]);
    resumption.keep(Buffer.from('one'));
    resumption.keep(Buffer.from('two'));
    expect([opened(resumption).offered, opened(resumption).offered]).toEqual([['two'], ['two']]);
  });

  test('is forgotten when a certificate is refused, or a connection ends before it is believed', () => {
    const resumption = new Resumption();
    resumption.keep(Buffer.from('one'));
    const good = opened(resumption);
    resumption.believed(good.fake);
    resumption.closed(good.fake);
    expect(opened(resumption).offered).toEqual(['one']);
    resumption.closed(opened(resumption).fake);
    expect(opened(resumption).offered).toEqual([]);
    resumption.keep(Buffer.from('two'));
    resumption.forget();
    expect(opened(resumption).offered).toEqual([]);
  });
});
