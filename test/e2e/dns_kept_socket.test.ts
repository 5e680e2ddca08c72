/**
 * Programs that ask all their questions from one socket, beside other people's rules: the kernel remembers where such a
 * socket's questions go for longer than the rules last. dig with a port of its own is the program.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { dig } from '../lab/dig.ts';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, CLIENT, GATEWAY } from '../lab/internet.ts';
import { namesForAll, ORIGINAL } from '../lab/names.ts';
import { Netns } from '../lab/netns.ts';
import { stop } from '../lab/snet.ts';
import { describeNeeding } from '../needs.ts';

/** As Docker has it: rules that keep the kernel translating. */
const OTHERS =
  'table inet others { chain post { type nat hook postrouting priority 100;\n ip saddr 172.17.0.0/16 masquerade\n }\n }\n';

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ipset', 'dig', 'dnsmasq', 'ss-server'],
  'a program that keeps its socket',
  () => {
    const names = namesForAll();
    beforeAll(() => names.ns.must(['nft', '-f', '-'], { stdin: OTHERS }));

    let port = 9_000;
    /** Its question over and over, each time from the same port. */
    const keeping = (server: string, own: string) => {
      const at = `${own}#${port++}`;
      return async () =>
        (await names.ns.run(dig('+short', `@${server}`, '-b', at, 'www.far.example'))).stdout.trim();
    };
    const clean = () => names.ns.must(Netns.snet(['clean']));

    describe.each(['nftables', 'iptables'])('with %s', (mechanism) => {
      const run = () => names.run({}, { redirect: { mechanism } });

      test('is answered by its own server at once when snet was stopped', async () => {
        await using snet = await run();
        const v4 = keeping(GATEWAY.v4, CLIENT.v4);
        const v6 = keeping(GATEWAY.v6, CLIENT.v6);
        expect([await v4(), await v6()]).toEqual([ABROAD.v4, ABROAD.v4]);
        await stop(snet);
        expect([await v4(), await v6()]).toEqual([ORIGINAL, ORIGINAL]);
      });

      test('is answered by it when snet was killed, and what that left was cleaned up', async () => {
        await using snet = await run();
        const ask = keeping(GATEWAY.v4, CLIENT.v4);
        expect(await ask()).toBe(ABROAD.v4);
        snet.signal('SIGKILL');
        await snet.ended();
        // Nobody is there any more, but the kernel goes on.
        await eventually('the rules to be gone', async () =>
          (await names.addressesOf('n.far.example', `@${GATEWAY.v4}`))[0] === ORIGINAL ? true : undefined,
        );
        expect(await ask()).toContain('refused');
        expect(await clean()).toContain('what the kernel remembered of 1 UDP socket');
        expect(await ask()).toBe(ORIGINAL);
      });
    });

    test('of a resolver of somebody else is left alone', async () => {
      const theirs = '192.0.2.99';
      await using _ = await startDnsmasq(names.ns, {
        listen: ['127.0.0.1'],
        port: 5399,
        zones: { example: [theirs] },
      });
      const rule = 'add rule inet others out ip daddr 203.0.113.53 udp dport 53 redirect to :5399\n';
      const chain = 'add chain inet others out { type nat hook output priority -90; }\n';
      await names.ns.must(['nft', '-f', '-'], { stdin: chain + rule });
      const ask = keeping('203.0.113.53', CLIENT.v4);
      expect(await ask()).toBe(theirs);
      // It goes on as it was, though the rule is gone.
      await names.ns.must(['nft', 'delete', 'chain', 'inet', 'others', 'out']);
      expect(await clean()).toBe('nothing to remove\n');
      expect(await ask()).toBe(theirs);
    });
  },
);
