/** Beside systemd-resolved, whose stub programs ask, and which asks the network's servers: dig and getent are the programs. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, CHINA, GATEWAY } from '../lab/internet.ts';
import { LINK_LOCAL, NEAR, ROUTER, startRouter } from '../lab/link_local.ts';
import { LAN, namesForAll, ORIGINAL } from '../lab/names.ts';
import type { Program } from '../lab/program.ts';
import { startResolved, RESOLVED, RESOLVED_UID, STUB, type Resolved } from '../lab/resolved.ts';
import { startSnet, stop } from '../lab/snet.ts';
import { configure } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

/** What it sends for its stub: to the servers of the network, and what comes to snet instead; not what its stub answers. */
const WATCH = `table inet watch {
  counter asked { }
  counter caught { }
  chain postrouting {
    type filter hook postrouting priority 0
    meta skuid ${RESOLVED_UID} meta l4proto { tcp, udp } oifname uplink th dport 53 counter name asked
    meta skuid ${RESOLVED_UID} meta l4proto { tcp, udp } oifname lo th sport != 53 counter name caught
  }
}
`;

describeNeeding(
  [
    'root',
    'ip',
    'nft',
    'iptables',
    'ipset',
    'dig',
    'getent',
    'unshare',
    'nsenter',
    'dnsmasq',
    'unbound',
    'ss-server',
    RESOLVED,
  ],
  'beside systemd-resolved',
  () => {
    const names = namesForAll();
    const files = folderForAll();
    let resolved: Resolved;
    /** It keeps what it was told: each question is for another name. */
    let serial = 0;
    const fresh = (zone: string) => `n${serial++}.${zone}`;

    let router: Program;
    beforeAll(async () => {
      await names.ns.resolveAt(STUB);
      router = await startRouter(names.world, names.ns, files.file('unbound.conf'));
    });
    afterAll(() => router[Symbol.asyncDispose]());
    beforeEach(() =>
      names.ns.must(['nft', '-f', '-'], { stdin: `table inet watch\ndelete table inet watch\n${WATCH}` }),
    );

    const run = async () =>
      startSnet(names.ns, ['-c', await configure(names.folder.path)], { dns: true, under: resolved.beside });
    const addressesOf = (name: string, ...args: readonly string[]) =>
      names.addressesOf(name, `@${STUB}`, ...args);
    const getent = async (name: string) => {
      const lines = await names.ns.must(['getent', 'ahostsv4', name]);
      return [...new Set(lines.match(/^\S+/gm))];
    };
    /** How many packets of the stub went either way. */
    const sent = async () => {
      const listed = JSON.parse(
        await names.ns.must(['nft', '--json', 'list', 'counters', 'table', 'inet', 'watch']),
      );
      const counters = (listed.nftables as { counter?: { name: string; packets: number } }[]).flatMap(
        ({ counter }) => (counter ? [[counter.name, counter.packets] as const] : []),
      );
      return Object.fromEntries(counters) as { asked: number; caught: number };
    };

    const device = 'uplink';
    describe.each([
      ['a server of the machine', { server: GATEWAY.v4, of: 'machine' }, ORIGINAL, LAN],
      ['a server of an interface', { server: GATEWAY.v4, of: { device } }, ORIGINAL, LAN],
      ['a link-local server', { server: LINK_LOCAL.split('%')[0]!, of: { device } }, ROUTER, NEAR],
    ] as const)('with %s', (_, options, original, near) => {
      beforeAll(async () => {
        resolved = await startResolved(names.ns, options);
      });
      afterAll(() => resolved[Symbol.asyncDispose]());

      test('names that programs ask its stub for go through snet', async () => {
        expect(await addressesOf(fresh('far.example'))).toEqual([original]);
        expect((await sent()).caught).toBe(0);
        await using _ = await run();
        const before = await sent();
        const [abroad, chinese] = [fresh('far.example'), fresh('near.example')];
        const seen = await names.asked(async () => {
          expect(await addressesOf(abroad)).toEqual([ABROAD.v4]);
          expect(await addressesOf(chinese, '+tcp')).toEqual([CHINA.v4]);
        });
        expect(seen.trusted).toContain(`A ${abroad}`);
        expect(seen.china).toContain(`A ${chinese}`);
        expect(await getent(fresh('news.example'))).toEqual([ABROAD.v4]);
        const after = await sent();
        expect(after.asked).toBe(before.asked);
        expect(after.caught).toBeGreaterThanOrEqual(before.caught + 3);
      });

      test('names of the local network go to the servers behind it, and not in a circle', async () => {
        await using _ = await run();
        const seen = await names.asked(async () => {
          expect(await addressesOf(fresh('lan'))).toEqual([near]);
          expect(await getent(fresh('lan'))).toEqual([near]);
        });
        expect(seen).toEqual({ china: [], trusted: [] });
      });

      test.each([
        ['was stopped', stop],
        [
          'was killed',
          async (snet: Program) => {
            snet.signal('SIGKILL');
            expect(await snet.ended()).toBeNull();
          },
        ],
      ])('it asks its own servers as before once snet %s', async (_, end) => {
        const snet = await run();
        expect(await addressesOf(fresh('far.example'))).toEqual([ABROAD.v4]);
        await end(snet);
        const before = await sent();
        expect(await addressesOf(fresh('far.example'), '+time=2')).toEqual([original]);
        expect(await getent(fresh('far.example'))).toEqual([original]);
        const after = await sent();
        expect(after.asked).toBeGreaterThanOrEqual(before.asked + 2);
        expect(after.caught).toBe(before.caught);
      });
    });
  },
);
