/** Resolvers over TLS and HTTPS, the trusted ones through the upstream: none that can't prove who it is gets an answer believed. */
import { describe, expect, test } from 'bun:test';
import { createCertificates, NAME, type Certificates, type Kind } from '../dns/exchange/certificates.ts';
import { dig } from '../lab/dig.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, CLIENT, FAR } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { start, type Program } from '../lab/program.ts';
import { beside } from '../lab/snet.ts';
import {
  CHINA_RESOLVER,
  configure,
  ELSEWHERE,
  placeResolvers,
  TRUSTED,
  TRUSTED_TOO,
} from '../lab/two_sides.ts';
import { askersOf, startUnbound } from '../lab/unbound.ts';
import { startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

/** What those say whom nobody may believe. */
const WRONG = ELSEWHERE;

const TRANSPORTS = ['tls', 'https'] as const;
type Transport = (typeof TRANSPORTS)[number];

const REFUSED = [
  ['that has expired', 'expired', /its certificate has expired/],
  ['for another name', 'otherName', /its certificate is not for dns\.test, but for other\.test/],
  ['signed by nobody we trust', 'selfSigned', /signed by nobody who is trusted/],
] as const;

describeNeeding(['root', 'ip', 'dig', 'openssl', 'unbound', 'nft', 'ss-server'], 'with a certificate', () => {
  const folder = folderForAll();
  let certificates: Certificates;
  const internet = internetForAll(async (made, undo) => {
    certificates = undo.use(await createCertificates());
    await placeResolvers(made);
    undo.use(await startServer(made.far));
  });

  const unbound = (kind: Kind, address: string, zones: Record<string, string>) =>
    startUnbound(internet.world, {
      file: folder.file(`unbound-${address}.conf`),
      addresses: [address],
      certificate: certificates.certificate(kind),
      key: certificates.key(kind),
      zones,
    });

  const resolver = (transport: Transport, address: string) => ({
    url: `${transport}://${address}${transport === 'https' ? '/dns-query' : ''}#${NAME}`,
    ca: certificates.authority,
  });

  async function besideSnet(dns: object, body: (snet: Program) => Promise<void>): Promise<void> {
    const file = await configure(folder.path, dns);
    await beside(internet.client, ['-c', file], body, { dns: true, kept: 2 });
  }

  test.each(TRANSPORTS)('that is good a resolver is asked over %s, each on its way', async (transport) => {
    await using near = await unbound('good', CHINA_RESOLVER.v4, { 'shop.cn': CHINA.v4 });
    await using far = await unbound('good', TRUSTED.v4, { 'news.example': ABROAD.v4 });
    const china = [resolver(transport, CHINA_RESOLVER.v4)];
    await besideSnet({ china, trusted: [resolver(transport, TRUSTED.v4)] }, async () => {
      expect(await internet.client.must(dig('+short', 'www.shop.cn'))).toBe(`${CHINA.v4}\n`);
      expect(await internet.client.must(dig('+short', 'www.news.example'))).toBe(`${ABROAD.v4}\n`);
      expect(askersOf(near, 'www.shop.cn')).toEqual([CLIENT.v4]);
      expect(askersOf(far, 'www.news.example')).toEqual([FAR.v4]);
    });
  });

  describe.each(TRANSPORTS)('over %s, with one', (transport) => {
    test.each(REFUSED)(
      '%s, a resolver is not used, the log says why, and another answers',
      async (_, kind, why) => {
        await using bad = await unbound(kind, TRUSTED.v4, { 'news.example': WRONG });
        await using good = await unbound('good', TRUSTED_TOO.v4, { 'news.example': ABROAD.v4 });
        const trusted = [TRUSTED.v4, TRUSTED_TOO.v4].map((address) => resolver(transport, address));
        await besideSnet({ trusted }, async (snet) => {
          // Else it may have answered before the other has shown its certificate.
          good.signal('SIGSTOP');
          await using waiting = start(internet.client, dig('+short', 'www.news.example'));
          const [line] = await snet.says(/^.* a resolver fails .*$/m);
          good.signal('SIGCONT');
          expect(line).toContain(' warn ');
          expect(line).toContain(' status=ERR_DNS_TLS ');
          const path = transport === 'https' ? '/dns-query' : '';
          expect(line).toContain(`${transport}://${TRUSTED.v4}${path} (dns.test)`);
          expect(line).toMatch(why);
          expect(await waiting.ended()).toBe(0);
          expect(waiting.stdout()).toBe(`${ABROAD.v4}\n`);
          expect(askersOf(good, 'www.news.example')).toEqual([FAR.v4]);

          // Where it is alone now, nobody is believed in its place.
          await good[Symbol.asyncDispose]();
          const { stdout } = await internet.client.run(dig('more.news.example'));
          expect(stdout).toContain('status: SERVFAIL');
          expect(stdout).toMatch(/^; EDE: 23 .*\(trusted: ERR_DNS_/m);
          expect(bad.said()).not.toContain('news.example');
        });
      },
    );
  });
});
