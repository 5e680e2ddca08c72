/** Names on a Mac, end to end: asked of anybody, they come to us by pf, and the system's own resolver is found by scutil. */
import { beforeEach, expect, test } from 'bun:test';
import { askedOf, startDnsmasq } from '../lab/dnsmasq.ts';
import { dig } from '../lab/dig.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, CHINA, FAR, GATEWAY, url, CLIENT } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { macForEach, OTHER_DEFAULT_ROUTE } from '../lab/mac/namespace.ts';
import { LAN, ORIGINAL } from '../lab/names.ts';
import type { Program } from '../lab/program.ts';
import {
  ANYBODY,
  CHINA_RESOLVER,
  CHINA_ZONES,
  configure,
  ELSEWHERE,
  placeResolvers,
  TRUSTED,
  TRUSTED_TOO,
  TRUSTED_ZONES,
} from '../lab/two_sides.ts';
import { startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

/** Of another network's resolver. */
const OTHER_LAN = '192.168.8.88';

describeNeeding(
  ['root', 'ip', 'nft', 'curl', 'dig', 'dnsmasq', 'iptables', 'ipset', 'ss-server'],
  'names on a Mac',
  () => {
    let china: Program;
    let trusted: Program;
    const internet = internetForAll(async (made, undo) => {
      await placeResolvers(made);
      const startAt = async (listen: readonly string[], zones: Readonly<Record<string, readonly string[]>>) =>
        undo.use(await startDnsmasq(made.world, { listen, zones }));
      china = await startAt([CHINA_RESOLVER.v4, CHINA_RESOLVER.v6], CHINA_ZONES);
      trusted = await startAt([TRUSTED.v4, TRUSTED.v6], TRUSTED_ZONES);
      await startAt([GATEWAY.v4, GATEWAY.v6], { example: [ORIGINAL], cn: [ORIGINAL], lan: [LAN] });
      await startAt([TRUSTED_TOO.v4], { lan: [OTHER_LAN] });
      undo.use(await startServer(made.far));
    });
    const mac = macForEach(internet);
    let file: string;
    beforeEach(async () => {
      file = await configure(mac.folder.path);
    });
    const addressesOf = async (name: string, ...args: readonly string[]) =>
      (await internet.client.run(dig(name, '+short', ...args))).stdout.trim().split('\n');
    const asked = async (body: () => Promise<unknown>) => {
      const [before, beforeTrusted] = [askedOf(china).length, askedOf(trusted).length];
      await body();
      return { china: askedOf(china).slice(before), trusted: askedOf(trusted).slice(beforeTrusted) };
    };

    test('are split, whomever they are asked of', async () => {
      await using snet = await mac.run(file);
      for (const server of [ANYBODY.v4, ANYBODY.v6, GATEWAY.v4, GATEWAY.v6, CHINA_RESOLVER.v4, TRUSTED.v6])
        for (const transport of ['+notcp', '+tcp'])
          expect(await addressesOf('www.far.example', `@${server}`, transport)).toEqual([ABROAD.v4]);
      expect(await asked(async () => expect(await addressesOf('www.shop.cn')).toEqual([CHINA.v4]))).toEqual({
        china: ['A www.shop.cn'],
        trusted: [],
      });
      expect(
        await asked(async () => expect(await addressesOf('www.news.example', 'AAAA')).toEqual([ABROAD.v6])),
      ).toEqual({ china: [], trusted: ['AAAA www.news.example'] });
      expect(await addressesOf('w2.near.example')).not.toEqual([ELSEWHERE]);
      await mac.stopped(snet);
      expect(await addressesOf('www.far.example', `@${GATEWAY.v4}`)).toEqual([ORIGINAL]);
    });

    test('lead programs that only know them the right way', async () => {
      await using snet = await mac.run(file);
      const peerOf = async (name: string) =>
        (await internet.client.must(['curl', '-sS', '--max-time', '5', '-4', url(name)])).trim();
      expect([await peerOf('www.near.example'), await peerOf('www.far.example')]).toEqual([
        CLIENT.v4,
        FAR.v4,
      ]);
      await mac.stopped(snet);
    });

    test('of the local network are asked of the resolver that scutil names, and of another in another network', async () => {
      await using snet = await mac.run(file);
      expect(await addressesOf('nas.lan')).toEqual([LAN]);
      await mac.change((state) => void (state.nameservers = [TRUSTED_TOO.v4]));
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await eventually('the other resolver to be asked', async () =>
        Bun.deepEquals(await addressesOf(`nas${Math.random()}.lan`.replace('0.', '')), [OTHER_LAN]),
      );
      await mac.change((state) => void (state.nameservers = [GATEWAY.v4]));
      await mac.stopped(snet);
    });

    test('are forgotten by the system at the start and at the end', async () => {
      const flushes = () => mac.mac.state.seen.calls.filter((call) => /^(?:dscacheutil|killall) /.test(call));
      await using snet = await mac.run(file);
      expect(flushes()).toEqual(['dscacheutil -flushcache', 'killall -HUP mDNSResponder']);
      await mac.stopped(snet);
      expect(flushes()).toHaveLength(4);
      await using again = await mac.run(file);
      again.signal('SIGKILL');
      await again.ended();
      await eventually('the guardian to do the same', () => flushes().length === 8);
      await mac.restored();
    });
  },
);
