/** Whom of the upstreams with TLS to believe: nobody else hears of a target, or of a password. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import type { Status } from '../../src/app/control.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { createCertificates, NAME, type Certificates, type Kind } from '../dns/exchange/certificates.ts';
import { ABROAD, url } from '../lab/internet.ts';
import { Netns } from '../lab/netns.ts';
import type { Program } from '../lab/program.ts';
import type { Identity } from '../lab/proxies.ts';
import { beside } from '../lab/snet.ts';
import { KIND_NEEDS, KINDS } from '../lab/upstream_kinds.ts';
import { upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const [HTTPS, STUNNEL, TUNNEL] = ['https, squid', 'https, stunnel before tinyproxy', 'tls, snet server'].map(
  (name) => KINDS.find((kind) => kind.name === name)!,
);

describeNeeding(['root', 'ip', 'curl', 'nft', 'openssl', ...KIND_NEEDS], "an upstream's certificate", () => {
  const lab = upstreamsForAll();
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  const identityOf = (kind: Kind): Identity => {
    const [certificate, key] = [certificates.certificate(kind), certificates.key(kind)];
    const { fingerprint256 } = new X509Certificate(readFileSync(certificate));
    return { certificate, key, pin: fingerprint256.replaceAll(':', '').toLowerCase() };
  };
  /** The link of an upstream, with other options than its pin. */
  const linked = (link: string, options: Record<string, string>) =>
    `${link.slice(0, link.indexOf('?'))}?${new URLSearchParams(options).toString()}`;
  const fetched = (snet: Program) => lab.endOf(snet, () => lab.fetch(url(ABROAD.v4)));

  interface Case {
    readonly name: string;
    readonly shown: Kind;
    readonly options: () => Record<string, string>;
    /** What the log has against it; undefined: nothing. */
    readonly reason?: RegExp;
  }
  const ca = () => certificates.authority;
  const CASES: readonly Case[] = [
    { name: 'that the authority has signed', shown: 'good', options: () => ({ ca: ca(), sni: NAME }) },
    { name: 'that is pinned', shown: 'otherName', options: () => ({ pin: identityOf('otherName').pin }) },
    { name: 'that does not matter', shown: 'expired', options: () => ({ insecure: '1' }) },
    {
      name: 'that has expired',
      shown: 'expired',
      options: () => ({ ca: ca(), sni: NAME }),
      reason: /its certificate has expired/,
    },
    {
      name: 'of another name',
      shown: 'otherName',
      options: () => ({ ca: ca(), sni: NAME }),
      reason: /its certificate is not for dns\.test, but for other\.test/,
    },
    {
      name: 'of another address',
      shown: 'good',
      options: () => ({ ca: ca() }),
      reason: /its certificate is not for [\d.]+, but for dns\.test/,
    },
    {
      name: 'that it has signed itself',
      shown: 'selfSigned',
      options: () => ({ sni: NAME }),
      reason: /signed by nobody who is trusted/,
    },
    {
      name: 'of an authority of nobody',
      shown: 'good',
      options: () => ({ sni: NAME }),
      reason: /signed by nobody who is trusted/,
    },
    {
      name: 'other than the one that is pinned',
      shown: 'good',
      options: () => ({ ca: ca(), sni: NAME, pin: identityOf('expired').pin }),
      reason: /none of those pinned/,
    },
  ];

  describe.each([HTTPS!, TUNNEL!])('$name', (kind) => {
    test.each([...CASES])('$name', async ({ shown, options, reason }) => {
      const identity = identityOf(shown);
      await using far = await lab.startFar(kind, { identity });
      const seen = lab.internet.seen();
      await lab.withSnet(linked(kind.upstream(identity), options()), async (snet) => {
        expect(snet.said().includes('its certificate is not verified')).toBe('insecure' in options());
        if (reason === undefined) return expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
        expect(await fetched(snet)).toEqual(['reset', 'ERR_TLS_CERTIFICATE']);
        return expect(snet.said()).toMatch(reason);
      });
      if (reason === undefined) return;
      expect(await far.log()).not.toContain(ABROAD.v4);
      expect(lab.internet.seen()).toEqual(seen);
    });
  });

  test('whose file is not there leaves its upstream out as long as there is another', async () => {
    await using _far = await lab.startFar(STUNNEL!, { identity: identityOf('good') });
    const link = STUNNEL!.upstream(identityOf('good'));
    const [here, hidden] = ['own.pem', 'hidden.pem'].map((name) => lab.folder.file(name)) as [string, string];
    const show = () => copyFile(ca(), here);
    const hide = () => rename(here, hidden);
    const named = linked(link, { ca: 'own.pem', sni: NAME });
    const inner = { type: 'tls', server: NAME, port: 4433, token: 'secret', via: named };
    const file = await lab.configure([named, inner, link] as object);
    const labels = async () => {
      const status = await lab.internet.client.must(Netns.snet(['status', '--json']));
      return (JSON.parse(status) as Status).upstreams.map(({ label }) => label.split(' ')[0]);
    };

    await beside(lab.internet.client, ['-c', file], async (snet) => {
      const leftOut = () => snet.said().match(/ an upstream is left out; .*/g) ?? [];
      expect(leftOut()).toEqual([
        expect.stringMatching(/ upstream="https \S+" reason="tls\.ca: found .*own\.pem\\", no such file, /),
        expect.stringMatching(
          / upstream="tls dns\S+ via https .* reason="via\.tls\.ca: .* hint="check the path/,
        ),
      ]);
      expect(await labels()).toEqual(['https']);
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');

      const reload = async () => {
        const since = snet.said().length;
        snet.signal('SIGHUP');
        await snet.says(/ reloaded /, since);
        expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
        return labels();
      };
      await show();
      expect(await reload()).toEqual(['https', 'tls', 'https']);
      expect(leftOut()).toHaveLength(2);
      await hide();
      expect(await reload()).toEqual(['https']);
      expect(leftOut()).toHaveLength(4);
    });

    const check = await lab.internet.client.run(Netns.snet(['check', '-c', file]));
    expect(check.code).toBe(EXIT.config.code);
    expect(check.stderr.match(/upstream\[\d\]\S+: found .* no such file/g)).toHaveLength(2);
    const alone = await lab.internet.client.run(Netns.snet(['run', linked(link, { ca: here }), '--no-dns']));
    expect(alone.code).toBe(EXIT.config.code);
    expect(alone.stderr).toMatch(/^snet: URL: found .*own\.pem", no such file, expected a PEM file/);
  });

  test('one of ours is shown where it is wanted', async () => {
    const own = { cert: certificates.certificate('good'), key: certificates.key('good') };
    const none = { cert: certificates.certificate('selfSigned'), key: certificates.key('selfSigned') };
    const { pin } = lab.identity;
    const link = STUNNEL!.upstream(lab.identity);
    await using far = await lab.startFar(STUNNEL!, { clientsOf: certificates.authority });
    await lab.withSnet(linked(link, { pin, ...own }), async () => {
      expect(await lab.fetch(url(ABROAD.v4))).toBe('well');
    });
    const before = await far.log();
    for (const [options, reason] of [
      [{ pin }, /it wants a certificate of ours/],
      [{ pin, ...none }, /it does not believe our certificate/],
    ] as const)
      await lab.withSnet(linked(link, options), async (snet) => {
        expect(await fetched(snet)).toEqual(['reset', 'ERR_TLS']);
        expect(snet.said()).toMatch(reason);
      });
    expect(await far.log()).toBe(before);
  });
});
