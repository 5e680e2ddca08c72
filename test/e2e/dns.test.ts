/** Names, end to end: dig and curl as clients, dnsmasq as the resolvers of both sides and as the machine's own; their logs are the witnesses. */
import { describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { ABROAD, CHINA, CLIENT, FAR, GATEWAY, url } from '../lab/internet.ts';
import { LAN, namesForAll, ORIGINAL } from '../lab/names.ts';
import { Netns } from '../lab/netns.ts';
import { startSnet } from '../lab/snet.ts';
import { ANYBODY, CHINA_RESOLVER, configure, ELSEWHERE, TRUSTED } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ipset', 'dig', 'curl', 'dnsmasq', 'ss-server'],
  'DNS',
  () => {
    const lab = namesForAll();
    const { folder, run, addressesOf, statusOf, asked } = lab;

    describe('the split', () => {
      test('asks for a Chinese name in China alone, for a foreign one abroad alone', async () => {
        await using _ = await run();
        expect(await asked(async () => expect(await addressesOf('www.shop.cn')).toEqual([CHINA.v4]))).toEqual(
          {
            china: ['A www.shop.cn'],
            trusted: [],
          },
        );
        expect(
          await asked(async () => expect(await addressesOf('www.news.example')).toEqual([ABROAD.v4])),
        ).toEqual({
          china: [],
          trusted: ['A www.news.example'],
        });
        expect(await addressesOf('www.shop.cn', 'AAAA')).toEqual([CHINA.v6]);
        expect(await addressesOf('www.news.example', 'AAAA')).toEqual([ABROAD.v6]);
      });

      test('races for an unknown name, and shows a foreign one to China once only', async () => {
        await using _ = await run({ cache: { directory: false, size: '0' } });
        const first = await asked(async () =>
          expect(await addressesOf('a.far.example')).toEqual([ABROAD.v4]),
        );
        expect(first).toEqual({ china: ['A a.far.example'], trusted: ['A a.far.example'] });
        const again = await asked(async () => {
          expect(await addressesOf('a.far.example')).toEqual([ABROAD.v4]);
          expect(await addressesOf('a.far.example', 'AAAA')).toEqual([ABROAD.v6]);
        });
        expect(again).toEqual({ china: [], trusted: ['A a.far.example', 'AAAA a.far.example'] });

        expect(await addressesOf('a.near.example')).toEqual([CHINA.v4]);
        expect(await asked(() => addressesOf('a.near.example'))).toEqual({
          china: ['A a.near.example'],
          trusted: [],
        });
      });

      test('never shows an unknown name to China under trusted-only', async () => {
        await using _ = await run({ unknown: 'trusted-only' });
        const names = Array.from({ length: 20 }, (_, n) => `n${n}.far.example`);
        const seen = await asked(async () => {
          const answers = await Promise.all([...names, 'a.near.example'].map((name) => addressesOf(name)));
          expect(answers).toEqual([...names.map(() => [ABROAD.v4]), [ELSEWHERE]]);
          expect(await addressesOf('www.shop.cn')).toEqual([CHINA.v4]);
        });
        expect(seen.china).toEqual(['A www.shop.cn']);
        expect(seen.trusted).toHaveLength(21);
      });

      test('shows China no unknown name where all goes through the upstream', async () => {
        await using _ = await run({}, { scope: 'global' });
        const seen = await asked(async () =>
          expect(await addressesOf('a.near.example')).toEqual([ELSEWHERE]),
        );
        expect(seen.china).toEqual([]);
      });

      test("leaves the local network's names to the system's own resolver", async () => {
        await using _ = await run();
        const seen = await asked(async () => {
          expect(await addressesOf('nas.lan')).toEqual([LAN]);
          expect(await addressesOf('nas.lan', `@${GATEWAY.v4}`, '+tcp')).toEqual([LAN]);
        });
        expect(seen).toEqual({ china: [], trusted: [] });
      });
    });

    test('every question to anybody is ours, over UDP and TCP, IPv4 and IPv6', async () => {
      await using _ = await run();
      for (const server of [ANYBODY.v4, ANYBODY.v6, GATEWAY.v4, GATEWAY.v6, CHINA_RESOLVER.v4, TRUSTED.v6]) {
        for (const transport of ['+notcp', '+tcp'])
          expect(await addressesOf('www.far.example', `@${server}`, transport)).toEqual([ABROAD.v4]);
      }
    });

    test('the way of a connection is right for a program that only knows its name', async () => {
      await using snet = await run({}, { log: { level: 'debug' } });
      const peerOf = async (name: string) =>
        (await lab.ns.must(['curl', '-sS', '--max-time', '5', '-4', url(name)])).trim();
      expect(await peerOf('www.near.example')).toBe(CLIENT.v4);
      expect(await peerOf('www.far.example')).toBe(FAR.v4);
      await snet.says(
        new RegExp(`flow ended status=OK destination=${ABROAD.v4}:80 name=www\\.far\\.example `),
      );
    });

    test('names of the configuration are answered by it', async () => {
      const list = folder.file('ads.txt');
      await writeFile(list, '# ads\n0.0.0.0 ads.near.example\nnot a name!\n||more.far.example^\n');
      const hosts = { '*.dev.example': ['192.0.2.7', '2001:db8::7'] };
      const refused = { china: ['AAAA'], foreign: [], unknown: [] };
      await using snet = await run({
        hosts,
        block: ['*.tracker.example'],
        lists: { block: ['ads.txt'] },
        'refuse-types': refused,
      });
      await snet.says(/warn .*ads\.txt:3/);
      const seen = await asked(async () => {
        expect(await addressesOf('x.dev.example')).toEqual(['192.0.2.7']);
        expect(await addressesOf('x.dev.example', 'AAAA')).toEqual(['2001:db8::7']);
        expect(await addressesOf('www.shop.cn', 'AAAA')).toEqual(['']);
        for (const name of ['a.tracker.example', 'ads.near.example', 'x.more.far.example']) {
          expect(await statusOf(name)).toBe('NXDOMAIN');
        }
      });
      expect(seen).toEqual({ china: [], trusted: [] });
    });

    test('names of the upstream itself are resolved as without us', async () => {
      const upstream = {
        type: 'shadowsocks',
        server: 'proxy.far.example',
        port: 8388,
        method: 'aes-256-gcm',
        password: 'x',
      };
      await lab.ns.resolveAt(GATEWAY.v4);
      await using _ = await run({}, { upstream });
      const seen = await asked(async () =>
        expect(await addressesOf('proxy.far.example')).toEqual([ORIGINAL]),
      );
      expect(seen).toEqual({ china: [], trusted: [] });
    });

    test('without it, names are as they were', async () => {
      await using _ = await startSnet(lab.ns, ['-c', await configure(folder.path), '--no-dns'], {
        dns: true,
      });
      expect(await addressesOf('www.far.example', `@${GATEWAY.v4}`)).toEqual([ORIGINAL]);
      const { code, stderr } = await lab.ns.run(Netns.snet(['dns', 'www.far.example']));
      expect(stderr).toContain('this snet runs without its resolver');
      expect(code).toBe(1);
    });
  },
);
