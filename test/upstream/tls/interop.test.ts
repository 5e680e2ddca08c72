/** The client against servers that nobody here wrote, over the loopback of a network namespace. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  createCertificates,
  KINDS,
  NAME,
  type Certificates,
  type Kind,
} from '../../dns/exchange/certificates.ts';
import { eventually } from '../../lab/eventually.ts';
import { Netns } from '../../lab/netns.ts';
import { start } from '../../lab/program.ts';
import { describeNeeding } from '../../needs.ts';
import type { Visit } from './visit.ts';
import type { Task } from './visitor.ts';

const VISITOR = new URL('visitor.ts', import.meta.url).pathname;

const VERSIONS = ['tls1_2', 'tls1_3'] as const;
type Version = (typeof VERSIONS)[number];

/** One server each. */
const PORT = {
  /** By version and kind of certificate. */
  openssl: (version: Version, kind: Kind) => 4_000 + VERSIONS.indexOf(version) * 100 + KINDS.indexOf(kind),
  /** Those that want a certificate of ours. */
  opensslStrict: (version: Version) => 4_300 + VERSIONS.indexOf(version),
  stunnel: 5_000,
  stunnelStrict: 5_001,
  stunnelOld: 5_002,
  stunnelByName: 5_003,
  socat: 6_000,
  plain: 6_001,
};

describeNeeding(['root', 'ip', 'ss', 'openssl', 'stunnel', 'socat'], 'with TLS servers of others', () => {
  let ns: Netns;
  let certificates: Certificates;

  /** `-rev` answers each line with its letters turned round. */
  const startOpenssl = (port: number, version: Version, kind: Kind, more: readonly string[] = []) =>
    start(
      ns,
      ['openssl', 's_server', '-accept', String(port), `-${version}`, '-rev', '-quiet'].concat(
        ['-cert', certificates.certificate(kind), '-key', certificates.key(kind)],
        more,
      ),
    );

  /** Every service answers with what it hears. */
  const stunnelConfig = () => {
    const service = (name: string, port: number, kind: Kind, lines: readonly string[] = []) => [
      `[${name}]`,
      `accept = :::${port}`,
      'exec = /bin/cat',
      'execArgs = cat',
      `cert = ${certificates.certificate(kind)}`,
      `key = ${certificates.key(kind)}`,
      ...lines,
    ];
    return [
      'foreground = yes',
      'pid =',
      'debug = warning',
      ...service('good', PORT.stunnel, 'good'),
      ...service('strict', PORT.stunnelStrict, 'good', [
        `CAfile = ${certificates.authority}`,
        'verifyChain = yes',
      ]),
      ...service('old', PORT.stunnelOld, 'good', [
        'sslVersionMin = TLSv1',
        'sslVersionMax = TLSv1.1',
        'ciphers = DEFAULT:@SECLEVEL=0',
      ]),
      // Another certificate for who asks for the name.
      ...service('front', PORT.stunnelByName, 'otherName'),
      ...service('byname', 0, 'good', [`sni = front:${NAME}`]).filter((line) => !line.startsWith('accept')),
      '',
    ].join('\n');
  };

  beforeAll(async () => {
    [ns, certificates] = await Promise.all([Netns.create('tls'), createCertificates()]);
    const strict = ['-Verify', '1', '-verify_return_error', '-CAfile', certificates.authority];
    for (const version of VERSIONS) {
      for (const kind of KINDS) startOpenssl(PORT.openssl(version, kind), version, kind);
      startOpenssl(PORT.opensslStrict(version), version, 'good', strict);
    }
    const config = join(dirname(certificates.authority), 'stunnel.conf');
    await Bun.write(config, stunnelConfig());
    start(ns, ['stunnel', config]);
    const pem = `cert=${certificates.certificate('good')},key=${certificates.key('good')},verify=0`;
    start(ns, ['socat', `OPENSSL-LISTEN:${PORT.socat},reuseaddr,fork,${pem}`, 'EXEC:cat']);
    start(ns, [
      'socat',
      `TCP-LISTEN:${PORT.plain},reuseaddr,fork`,
      'SYSTEM:head -c1 >/dev/null; echo 220 mail.test; cat >/dev/null',
    ]);
    const servers = VERSIONS.length * (KINDS.length + 1) + 4 + 2;
    await eventually('all servers to listen', async () => {
      const listening = await ns.must(['ss', '-Htln']);
      return new Set(listening.match(/:[456]\d\d\d\b/g)).size === servers;
    });
  });
  afterAll(async () => {
    await ns[Symbol.asyncDispose]();
    await certificates[Symbol.asyncDispose]();
  });

  type Wish = Partial<Task> & { readonly port: number };

  /** Visits one after the other; by default each with a client of its own, of {@link NAME}, over IPv4. */
  const visits = async (wishes: readonly Wish[], env: Record<string, string> = {}): Promise<Visit[]> => {
    const tasks = wishes.map((wish, i): Task => {
      const [address, host] = ['127.0.0.1', NAME];
      return { client: String(i), address, host, ca: certificates.authority, ...wish };
    });
    const { code, stdout, stderr } = await ns.script(VISITOR, [JSON.stringify(tasks)], { env });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Visit[];
  };
  const short = (visit: Visit) =>
    visit.result === 'heard' ? `heard ${visit.heard.trim()}` : `${visit.result} ${visit.message}`;
  const pinOf = (kind: Kind) => {
    const { raw } = new X509Certificate(readFileSync(certificates.certificate(kind)));
    return createHash('sha256').update(raw).digest('hex');
  };
  const like = (pattern: RegExp) => expect.stringMatching(pattern) as unknown as string;

  describe.each(VERSIONS)('openssl s_server, %s', (version) => {
    const at = (kind: Kind) => ({ port: PORT.openssl(version, kind) });

    test('a good certificate: by name, by address, by another name', async () => {
      const wishes = [
        at('good'),
        { ...at('good'), host: '127.0.0.1' },
        { ...at('good'), host: '::1', address: '::1' },
        { ...at('good'), host: '192.0.2.9', sni: NAME },
        { ...at('otherName'), host: NAME, sni: 'other.test' },
      ];
      expect((await visits(wishes)).map(short)).toEqual(wishes.map(() => 'heard olleh'));
    });

    test.each([
      ['expired', {}, /^dns\.test: its certificate has expired \(SHA-256 [0-9a-f]{64}\)$/],
      [
        'otherName',
        {},
        /^dns\.test: its certificate is not for dns\.test, but for other\.test, 192\.0\.2\.1 /,
      ],
      [
        'otherName',
        { host: '127.0.0.1' },
        /its certificate is not for 127\.0\.0\.1, but for other\.test, 192\.0\.2\.1 /,
      ],
      ['selfSigned', {}, /its certificate is signed by nobody who is trusted, only by itself /],
      [
        'selfSigned',
        { host: '127.0.0.1' },
        /its certificate is signed by nobody who is trusted, only by itself /,
      ],
    ] as const)('a bad one, %s, asked as %p', async (kind, more, reason) => {
      // Also where the environment says that certificates don't matter.
      const [refused] = await visits([{ ...at(kind), ...more }], { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
      const { result, message, hint } = refused!;
      expect([result, message]).toEqual(['ERR_TLS_CERTIFICATE', like(reason)]);
      expect(message).toContain(pinOf(kind));
      expect(hint).toBeString();
    });

    test('a pin: any certificate that is it, none that is not', async () => {
      const pinned = KINDS.map((kind) => ({ ...at(kind), pins: ['0'.repeat(64), pinOf(kind)] }));
      expect((await visits(pinned)).map(short)).toEqual(KINDS.map(() => 'heard olleh'));
      const wrong = KINDS.map((kind) => ({ ...at(kind), pins: ['0'.repeat(64)], insecure: kind === 'good' }));
      expect((await visits(wrong)).map(short)).toEqual(
        KINDS.map((kind) =>
          like(new RegExp(`^ERR_TLS_CERTIFICATE dns\\.test: .* none of those pinned, .* ${pinOf(kind)}$`)),
        ),
      );
    });

    test('no care: any certificate', async () => {
      const wishes = KINDS.map((kind) => ({ ...at(kind), insecure: true }));
      expect((await visits(wishes)).map(short)).toEqual(KINDS.map(() => 'heard olleh'));
    });

    test('its session is resumed', async () => {
      const results = await visits([1, 2, 3].map(() => ({ ...at('good'), client: 'one' })));
      expect(results.map(({ result, resumed }) => [result, resumed])).toEqual([
        ['heard', false],
        ['heard', true],
        ['heard', true],
      ]);
    });

    test('one that wants a certificate of ours', async () => {
      const port = PORT.opensslStrict(version);
      const own = (kind: Kind) => ({
        port,
        cert: certificates.certificate(kind),
        key: certificates.key(kind),
      });
      const [good, again, none, unknown] = await visits([
        { ...own('good'), client: 'one' },
        { ...own('good'), client: 'one' },
        { port },
        own('selfSigned'),
      ]);
      expect([short(good!), short(again!)]).toEqual(['heard olleh', 'heard olleh']);
      expect([short(none!), none!.hint]).toEqual(
        version === 'tls1_3'
          ? ['ERR_TLS dns.test: it wants a certificate of ours', like(/"cert" and "key"/)]
          : [like(/^ERR_TLS dns\.test: .*wants a certificate of ours$/), undefined as unknown as string],
      );
      expect(short(unknown!)).toMatch(/^ERR_TLS dns\.test: it does not believe our certificate$/);
    });
  });

  test('stunnel: a good certificate, one by name, one of ours, and an old version', async () => {
    const own = { cert: certificates.certificate('good'), key: certificates.key('good') };
    const results = await visits([
      { port: PORT.stunnel },
      { port: PORT.stunnel, address: '::1', host: '::1' },
      { port: PORT.stunnelByName },
      { port: PORT.stunnelByName, host: '127.0.0.1' },
      { port: PORT.stunnelStrict, ...own },
      { port: PORT.stunnelStrict },
      { port: PORT.stunnelOld },
    ]);
    expect(results.map(short)).toEqual([
      'heard hello',
      'heard hello',
      'heard hello',
      like(/^ERR_TLS_CERTIFICATE 127\.0\.0\.1: its certificate is not for 127\.0\.0\.1, but for other\.test/),
      'heard hello',
      'ERR_TLS dns.test: it wants a certificate of ours',
      'ERR_TLS dns.test: it speaks only versions of TLS before 1.2',
    ]);
  });

  test('socat, with TLS and without, and nobody', async () => {
    const results = await visits([{ port: PORT.socat }, { port: PORT.plain }, { port: 9 }]);
    expect(results.map(short)).toEqual([
      'heard hello',
      'ERR_TLS dns.test: what answers does not speak TLS',
      like(/^failed ECONNREFUSED/),
    ]);
  });
});
