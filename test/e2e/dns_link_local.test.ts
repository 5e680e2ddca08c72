/** A resolver with a link-local address, the only one that the machine knows of: its router. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { dig, statusOf } from '../lab/dig.ts';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, CLIENT } from '../lab/internet.ts';
import { CROWD, LINK_LOCAL, NEAR, ROUTER, startRouter } from '../lab/link_local.ts';
import { namesForAll } from '../lab/names.ts';
import type { Program } from '../lab/program.ts';
import { stop } from '../lab/snet.ts';
import { describeNeeding } from '../needs.ts';

/** Asks from a socket that is bound to nothing, as musl's resolver does. */
const UNCONNECTED = new URL('../dns/server/ask_unconnected.ts', import.meta.url).pathname;

/** As firewalld has it: IPv6_rpfilter, and a zone that accepts nothing. */
const FIREWALL = `table inet firewall {
  chain prerouting {
    type filter hook prerouting priority 10
    icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain input {
    type filter hook input priority 10; policy drop
    ct state established,related accept
    iifname lo accept
    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}
`;

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ipset', 'dig', 'getent', 'dnsmasq', 'unbound', 'ss-server'],
  'a link-local resolver',
  () => {
    const names = namesForAll();
    const files = folderForAll();
    let router: Program;
    beforeAll(async () => {
      await names.ns.resolveAt(LINK_LOCAL);
      router = await startRouter(names.world, names.ns, files.file('unbound.conf'));
    });
    afterAll(() => router[Symbol.asyncDispose]());

    const addressesOf = (name: string, ...args: readonly string[]) =>
      names.addressesOf(name, `@${LINK_LOCAL}`, ...args);
    const unconnected = async (...args: readonly string[]) => {
      const { stdout, stderr } = await names.ns.script(UNCONNECTED, [LINK_LOCAL, ...args]);
      return stdout + stderr;
    };
    const getent = async (name: string) => {
      const lines = await names.ns.must(['getent', 'ahostsv4', name]);
      return [...new Set(lines.match(/^\S+/gm))];
    };

    test('is asked by nobody: what is meant for it is ours', async () => {
      await using snet = await names.run();
      for (const transport of ['+notcp', '+tcp']) {
        expect(await addressesOf('www.far.example', transport)).toEqual([ABROAD.v4]);
        expect(await addressesOf('www.near.example', transport)).toEqual([CHINA.v4]);
      }
      expect(await getent('www.news.example')).toEqual([ABROAD.v4]);
      expect(await unconnected('www.far.example')).toBe(`${ABROAD.v4}\n`);
      expect(snet.said()).not.toContain(' warn ');
    });

    test('answers for the local network all the same, also what no datagram has room for', async () => {
      await using _ = await names.run();
      const seen = await names.asked(async () => {
        expect(await addressesOf('nas.lan')).toEqual([NEAR]);
        expect(await getent('nas.lan')).toEqual([NEAR]);
        expect((await addressesOf('crowd.home.arpa')).toSorted()).toEqual(CROWD.toSorted());
      });
      expect(seen).toEqual({ china: [], trusted: [] });
    });

    test('does not open us to other machines', async () => {
      await using _ = await names.run();
      const rules = await names.ns.must(['nft', 'list', 'chain', 'inet', 'snet', 'output']);
      const [, port] = /dnat ip6 to ip6 saddr:(\d+)/.exec(rules)!;
      const at = ['-p', port!, '+time=1', 'www.far.example'];
      const answers = async (ns: typeof names.ns, server: string) =>
        statusOf((await ns.run(dig(`@${server}`, ...at))).stdout);
      expect(await answers(names.ns, CLIENT.v6)).toBe('NOERROR');
      expect(await answers(names.world, CLIENT.v6)).toBeUndefined();
      expect((await names.world.run(dig('+tcp', `@${CLIENT.v4}`, ...at))).stdout).toContain('timed out');
    });

    test('is caught beside a firewall that lets nothing in and checks where packets come from', async () => {
      await names.ns.must(['nft', '-f', '-'], { stdin: FIREWALL });
      await using _ = await names.run();
      expect(await addressesOf('www.far.example')).toEqual([ABROAD.v4]);
      expect(await addressesOf('www.far.example', '+tcp')).toEqual([ABROAD.v4]);
      await names.ns.must(['nft', 'delete', 'table', 'inet', 'firewall']);
    });

    test('is asked at once by a program that keeps its socket, when snet was stopped', async () => {
      const ask = () => unconnected('www.far.example', '9053');
      await using snet = await names.run();
      expect(await ask()).toBe(`${ABROAD.v4}\n`);
      await stop(snet);
      expect(await ask()).toBe(`${ROUTER}\n`);
    });

    test.each([
      ['stopped', stop],
      [
        'killed',
        async (snet: Program) => {
          snet.signal('SIGKILL');
          expect(await snet.ended()).toBeNull();
        },
      ],
    ])('answers as before once snet was %s', async (_, end) => {
      const snet = await names.run();
      expect(await addressesOf('www.far.example')).toEqual([ABROAD.v4]);
      await end(snet);
      expect(await addressesOf('www.far.example')).toEqual([ROUTER]);
      expect(await getent('www.news.example')).toEqual([ROUTER]);
    });

    describe('where only iptables can be used', () => {
      test('is left alone, and that is said', async () => {
        await using snet = await names.run({}, { redirect: { mechanism: 'iptables' } });
        await snet.says(
          new RegExp(` warn .* link-local address can not be caught resolvers=${LINK_LOCAL}\\n`),
        );
        for (const transport of ['+notcp', '+tcp'])
          expect(await addressesOf('www.far.example', transport)).toEqual([ROUTER]);
      });
    });
  },
);
