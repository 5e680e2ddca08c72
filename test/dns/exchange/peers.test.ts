/** Against resolvers that nobody here wrote. All of it happens on the loopback of a namespace. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { startDnsmasq } from '../../lab/dnsmasq.ts';
import { eventually } from '../../lab/eventually.ts';
import { Netns } from '../../lab/netns.ts';
import { start, type Program } from '../../lab/program.ts';
import { startUnbound } from '../../lab/unbound.ts';
import { describeNeeding } from '../../needs.ts';
import type { Resolver, Round, Task } from './asker.ts';
import { createCertificates, KINDS, NAME, type Certificates, type Kind } from './certificates.ts';

const ASKER = new URL('asker.ts', import.meta.url).pathname;

/** Each unbound has a certificate and an address of its own. */
const ADDRESS: Readonly<Record<Kind, string>> = {
  good: '127.0.0.1',
  expired: '127.0.0.2',
  otherName: '127.0.0.3',
  selfSigned: '127.0.0.4',
};
/** More than fits a datagram of 512 bytes. In the order of their text. */
const MANY = Array.from({ length: 60 }, (_, n) => `192.0.2.${n + 100}`);

const wild = (count: number) => Array.from({ length: count }, (_, n) => `n${n}.wild.test`);
const all = (answered: number, ...results: string[][]): Round[number] => ({ answered, results });
const none = (status: string, message: RegExp) => ({
  answered: 0,
  results: [{ status, message: expect.stringMatching(message) as unknown as string }],
});

describeNeeding(['root', 'ip', 'openssl', 'unbound', 'dnsmasq'], 'with resolvers of others', () => {
  let ns: Netns;
  let certificates: Certificates;
  const unbounds = new Map<Kind, Program>();

  const startWith = async (kind: Kind) => {
    const unbound = await startUnbound(ns, {
      file: join(certificates.authority, `../unbound-${kind}.conf`),
      addresses: kind === 'good' ? [ADDRESS.good, '::1'] : [ADDRESS[kind]],
      certificate: certificates.certificate(kind),
      key: certificates.key(kind),
      zones: { 'wild.test': '192.0.2.9' },
      more: [
        'local-zone: "test." static',
        'local-data: "a.test. 60 IN A 192.0.2.1"',
        ...MANY.map((address) => `local-data: "many.test. 60 IN A ${address}"`),
      ],
    });
    unbounds.set(kind, unbound);
  };
  const ask = (task: Task) => start(ns, [process.execPath, ASKER, JSON.stringify(task)]);
  const round = (asker: Program, nth: number) =>
    eventually(`round ${nth} of the asker`, () => {
      const line = asker.stdout().split('\n').slice(0, -1)[nth];
      if (line === undefined && !asker.running) throw new Error(asker.said());
      return line === undefined ? undefined : (JSON.parse(line) as Round);
    });
  const finish = async (asker: Program) => {
    asker.signal('SIGTERM');
    await asker.says(/left open: 0\n/);
    expect(await asker.ended()).toBe(0);
  };
  /** The resolver with this certificate, over each transport that has certificates. */
  const secure = (kind: Kind, more: Partial<Resolver> = {}): Resolver[] => {
    const tls = { address: ADDRESS[kind], ca: certificates.authority, ...more };
    return [
      { transport: 'tls', port: 853, ...tls },
      { transport: 'https', port: 443, path: '/dns-query', ...tls },
    ];
  };
  const tcp: Resolver = { transport: 'tcp', address: ADDRESS.good, port: 53 };

  beforeAll(async () => {
    [ns, certificates] = await Promise.all([Netns.create('dns'), createCertificates()]);
    await Promise.all(KINDS.map(startWith));
  });
  afterAll(async () => {
    await ns[Symbol.asyncDispose]();
    await certificates[Symbol.asyncDispose]();
  });

  test('unbound answers over UDP, TCP, TLS and HTTPS', async () => {
    const resolvers: Resolver[] = [
      { ...tcp, transport: 'udp' },
      tcp,
      ...secure('good', { host: NAME }),
      // Without a name the certificate must be for the address.
      ...secure('good'),
      ...secure('good', { address: '::1' }),
    ];
    await using asker = ask({ resolvers, names: ['a.test', 'many.test', 'A.test'], mixCase: true });
    expect(await round(asker, 0)).toEqual(resolvers.map(() => all(3, ['192.0.2.1'], MANY)));
    await finish(asker);
  });

  test('a thousand queries at once over each', async () => {
    const resolvers = [{ ...tcp, transport: 'udp' } as const, tcp, ...secure('good', { host: NAME })];
    await using asker = ask({ resolvers, names: wild(1_000) });
    expect(await round(asker, 0)).toEqual(resolvers.map(() => all(1_000, ['192.0.2.9'])));
    await finish(asker);
  });

  test.each([
    ['expired', { host: NAME }, /has expired/],
    ['otherName', { host: NAME }, /is not for dns\.test, but for other\.test/],
    ['otherName', {}, /is not for 127\.0\.0\.3/],
    ['selfSigned', { host: NAME }, /signed by nobody who is trusted/],
    // The authority is no longer named.
    ['good', { host: NAME, ca: undefined }, /signed by nobody who is trusted/],
  ] as const)('the certificate is refused: %s, asked for as %p', async (kind, more, reason) => {
    await using asker = ask({ resolvers: secure(kind, more as Partial<Resolver>), names: ['a.test'] });
    const refused = none('ERR_DNS_TLS', reason);
    expect(await round(asker, 0)).toEqual([refused, refused]);
    await finish(asker);
  });

  test('a wrong path is an HTTP status; where nobody listens, that is said and not TLS blamed', async () => {
    const [, wrongPath] = secure('good', { host: NAME, path: '/wrong' });
    const nobody = [{ ...tcp, port: 9 }, ...secure('good', { port: 9 })];
    await using asker = ask({ resolvers: [wrongPath!, ...nobody], names: ['a.test'] });
    expect(await round(asker, 0)).toEqual([
      none('ERR_DNS_PROTOCOL', /HTTP status 404/),
      ...nobody.map(() => none('ERR_DNS_UNREACHABLE', /the connection failed/)),
    ]);
    await finish(asker);
  });

  test('resolution goes on after the resolver was killed and started again', async () => {
    const resolvers = [{ ...tcp, transport: 'udp' } as const, tcp, ...secure('good', { host: NAME })];
    await using asker = ask({ resolvers, names: ['a.test'] });
    const good = resolvers.map(() => all(1, ['192.0.2.1']));
    expect(await round(asker, 0)).toEqual(good);
    await unbounds.get('good')![Symbol.asyncDispose]();
    asker.signal('SIGUSR2');
    expect(await round(asker, 1)).toEqual(resolvers.map(() => none('ERR_DNS_UNREACHABLE', /./)));
    await startWith('good');
    asker.signal('SIGUSR2');
    expect(await round(asker, 2)).toEqual(good);
    await finish(asker);
  });

  test('dnsmasq, which hangs up after a hundred queries, answers a thousand over TCP', async () => {
    await using _ = await startDnsmasq(ns, {
      listen: ['127.0.0.1'],
      port: 5300,
      zones: { 'wild.test': ['192.0.2.9'] },
    });
    await using asker = ask({ resolvers: [{ ...tcp, port: 5300 }], names: wild(1_000) });
    expect(await round(asker, 0)).toEqual([all(1_000, ['192.0.2.9'])]);
    await finish(asker);
  });
});
