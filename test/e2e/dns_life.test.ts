/** The resolver's life: asked about itself, reloaded, restarted, killed. dig is the client, dnsmasq everybody's resolver. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readlinkSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { ABROAD, CHINA, GATEWAY } from '../lab/internet.ts';
import { namesForAll, ORIGINAL } from '../lab/names.ts';
import { Netns } from '../lab/netns.ts';
import { stop } from '../lab/snet.ts';
import { configure, ELSEWHERE } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ipset', 'dig', 'curl', 'dnsmasq', 'ss-server'],
  'the resolver',
  () => {
    const lab = namesForAll();
    const { folder, run, addressesOf, statusOf, asked } = lab;

    describe('snet dns', () => {
      const explain = async (...args: readonly string[]) =>
        JSON.parse(await lab.ns.must(Netns.snet(['dns', ...args, '--json'])));

      test('asks the running one, and tells why', async () => {
        await using _ = await run();
        expect(await explain('b.far.example')).toMatchObject({
          kind: 'unknown',
          reason: 'fq',
          side: 'trusted',
          rcode: 'NOERROR',
          records: [{ name: 'b.far.example', type: 'A', data: ABROAD.v4 }],
          verdict: 'trusted',
          asked: [
            { side: 'china', judgement: 'foreign' },
            { side: 'trusted', judgement: 'foreign' },
          ],
        });
        expect(await explain('b.far.example')).toMatchObject({
          reason: 'cached',
          cached: expect.any(Number),
          asked: [],
        });
        expect(await explain('b.far.example', 'A', '--anew')).toMatchObject({
          reason: 'fq',
          remembered: 'trusted',
          asked: [{ side: 'trusted' }],
        });
        expect(await explain('www.shop.cn')).toMatchObject({
          kind: 'china',
          reason: 'cn',
          why: '*.cn of built in',
        });
        expect(await lab.ns.must(Netns.snet(['dns', 'b.far.example', 'aaaa']))).toMatch(
          /^b\.far\.example AAAA: NOERROR from trusted \(fq\), /,
        );
        const wrong = await lab.ns.run(Netns.snet(['dns', 'b.far.example', 'AAAAA']));
        expect([wrong.code, wrong.stderr]).toEqual([
          2,
          'snet: no type of records is "AAAAA"\n  hint: A, AAAA, MX … or TYPE123\n',
        ]);
      });

      test('resolves by a file where none runs', async () => {
        const file = await configure(folder.path);
        expect(await explain('www.near.example', '-c', file)).toMatchObject({
          side: 'china',
          verdict: 'china',
        });
        expect(await explain('www.news.example', '-c', file)).toMatchObject({
          side: 'trusted',
          kind: 'foreign',
        });
        expect(await readdir(folder.path)).toEqual(['snet.json']);
        const { code, stderr } = await lab.ns.run(Netns.snet(['dns', 'www.near.example']));
        expect([code, stderr]).toEqual([
          2,
          'snet: no snet runs here\n  hint: start it, or say by which file to resolve: -c FILE\n',
        ]);
      });

      test('is answered at a socket for root alone, which is gone when snet is', async () => {
        const snet = await run();
        const own = readlinkSync(`/proc/${snet.pid}/ns/net`);
        const socket = `/run/snet/${own.replace(':', '-').replaceAll(/[[\]]/g, '')}.sock`;
        expect((await stat(socket)).mode & 0o777).toBe(0o600);
        const status = JSON.parse(
          await lab.ns.must(['curl', '-sS', '--unix-socket', socket, 'http://snet/status']),
        );
        expect(status).toMatchObject({
          pid: snet.pid,
          mechanism: 'nftables',
          scope: 'bypass-cn',
          dns: { port: 1053 },
        });
        expect(JSON.stringify(status)).not.toContain('password');
        await stop(snet);
        expect(existsSync(socket)).toBe(false);
      });
    });

    test('a reload takes new rules and keeps what is known', async () => {
      await using snet = await run({ block: ['old.example'] });
      expect(await addressesOf('a.near.example')).toEqual([CHINA.v4]);
      const reload = async (says: RegExp) => {
        const since = snet.said().length;
        snet.signal('SIGHUP');
        await snet.says(says, since);
      };
      await configure(folder.path, { block: ['*.far.example'], names: { foreign: ['*.near.example'] } });
      await reload(/ reloaded /);
      const seen = await asked(async () => {
        expect(await statusOf('a.far.example')).toBe('NXDOMAIN');
        // From the cache, which has outlived the rules that it was filled by.
        expect(await addressesOf('a.near.example')).toEqual([CHINA.v4]);
      });
      expect(seen).toEqual({ china: [], trusted: [] });
      expect(await addressesOf('b.near.example')).toEqual([ELSEWHERE]);

      await configure(folder.path, { china: ['dns.example'] });
      await reload(/the new configuration was not taken.*no name can be resolved before/s);
      expect(await addressesOf('c.near.example')).toEqual([ELSEWHERE]);

      await configure(folder.path, { port: 1054, cache: { directory: 'kept' } });
      await reload(/needs a restart to change key=dns\.cache/);
      expect(await addressesOf('d.near.example')).toEqual([CHINA.v4]);
      await stop(snet);
    });

    test('queries are answered while it reloads', async () => {
      await using snet = await run();
      const done = new AbortController();
      const asking = (async () => {
        for (let n = 0; !done.signal.aborted; n++)
          expect(await addressesOf(`n${n}.news.example`)).toEqual([ABROAD.v4]);
      })();
      for (let n = 0; n < 5; n++) {
        const since = snet.said().length;
        snet.signal('SIGHUP');
        await snet.says(/ reloaded /, since);
      }
      done.abort();
      await asking;
    });

    test('answers and verdicts outlive a restart', async () => {
      const kept = { cache: { directory: 'kept' } };
      const first = await run(kept);
      await addressesOf('a.near.example');
      await addressesOf('a.far.example');
      await stop(first);
      expect((await readdir(folder.file('kept'))).toSorted()).toEqual(['answers', 'verdicts']);

      const second = await run(kept);
      const cached = await asked(async () => {
        expect(await addressesOf('a.near.example')).toEqual([CHINA.v4]);
        expect(await addressesOf('a.far.example')).toEqual([ABROAD.v4]);
      });
      expect(cached).toEqual({ china: [], trusted: [] });
      // Of another type nothing is in the cache, but on which side the name is was remembered.
      const seen = await asked(async () =>
        expect(await addressesOf('a.far.example', 'AAAA')).toEqual([ABROAD.v6]),
      );
      expect(seen).toEqual({ china: [], trusted: ['AAAA a.far.example'] });
      await stop(second);
    });

    test.each(['nftables', 'iptables'] as const)(
      'after SIGKILL dig goes to the server that it asks (%s)',
      async (mechanism) => {
        const four = (address: string) => Array.from({ length: 4 }, () => [address]);
        const before = await firewalls(lab.ns);
        await using snet = await run({}, { redirect: { mechanism } });
        const answers = () =>
          Promise.all(
            [GATEWAY.v4, GATEWAY.v6].flatMap((server) =>
              ['+notcp', '+tcp'].map((transport) => addressesOf('www.far.example', `@${server}`, transport)),
            ),
          );
        expect(await answers()).toEqual(four(ABROAD.v4));
        snet.signal('SIGKILL');
        await snet.ended();
        // The kernel takes the nftables rules out with the process; the guardian of the iptables rules needs a moment.
        if (mechanism === 'iptables')
          await eventually('the guardian', async () => (await firewalls(lab.ns)) === before);
        expect(await answers()).toEqual(four(ORIGINAL));
        expect(await firewalls(lab.ns)).toBe(before);
        await using again = await run();
        expect(await addressesOf('www.far.example', `@${GATEWAY.v4}`)).toEqual([ABROAD.v4]);
        await stop(again);
      },
    );

    test('the port of its listeners may be held by somebody else: it says so, and changes nothing', async () => {
      const before = await firewalls(lab.ns);
      await using _ = await startDnsmasq(lab.ns, { listen: ['127.0.0.1'], port: 1053 });
      const { code, stderr } = await lab.ns.run(Netns.snet(['run', '-c', await configure(folder.path)]));
      expect(stderr).toMatch(/127\.0\.0\.1:1053, where DNS is to be answered, is in use by .*dnsmasq/);
      expect(stderr).toContain('dns.port');
      expect(code).toBe(5);
      expect(await firewalls(lab.ns)).toBe(before);
    });

    test('the query log has a line for each query, in a file for its owner alone', async () => {
      const snet = await run({ log: 'queries.log' });
      await addressesOf('www.far.example');
      await addressesOf('www.far.example', '+tcp');
      await stop(snet);
      const path = folder.file('queries.log');
      const lines = (await Bun.file(path).text()).trim().split('\n');
      expect(lines).toEqual([
        expect.stringMatching(
          / client=192\.168\.7\.2 transport=udp name=www\.far\.example type=A way=trusted reason=fq ms=\S+ rcode=NOERROR$/,
        ),
        expect.stringMatching(
          / transport=tcp name=www\.far\.example type=A way=trusted reason=cached ms=\S+ rcode=NOERROR$/,
        ),
      ]);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    });
  },
);
