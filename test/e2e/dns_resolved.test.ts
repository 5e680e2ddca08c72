/** Beside systemd-resolved, whose stub programs ask, and which asks the network's servers: dig and getent are the programs. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { ABROAD, CHINA, GATEWAY } from '../lab/internet.ts';
import { LAN, namesForAll, ORIGINAL } from '../lab/names.ts';
import { startResolved, RESOLVED, RESOLVED_UID, STUB, type Resolved } from '../lab/resolved.ts';
import { startSnet, stop } from '../lab/snet.ts';
import { configure } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

/** What the stub itself sends: to the server that it was given, and what came to snet instead. */
const WATCH = `table inet watch {
  counter asked { }
  counter caught { }
  chain output {
    type filter hook output priority 100
    meta skuid ${RESOLVED_UID} meta l4proto { tcp, udp } ip daddr ${GATEWAY.v4} th dport 53 counter name asked
    meta skuid ${RESOLVED_UID} meta l4proto { tcp, udp } ip daddr 127.0.0.1 th dport 1053 counter name caught
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
    'ss-server',
    RESOLVED,
  ],
  'beside systemd-resolved',
  () => {
    const names = namesForAll();
    let resolved: Resolved;
    /** It keeps what it was told: each question is for another name. */
    let serial = 0;
    const fresh = (zone: string) => `n${serial++}.${zone}`;

    beforeAll(() => names.ns.resolveAt(STUB));
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

    describe.each([
      ['the machine', 'machine'],
      ['an interface', { device: 'uplink' }],
    ] as const)('with a server of %s', (_, of) => {
      beforeAll(async () => {
        resolved = await startResolved(names.ns, { server: GATEWAY.v4, of });
      });
      afterAll(() => resolved[Symbol.asyncDispose]());

      test('names that programs ask its stub for go through snet', async () => {
        expect(await addressesOf(fresh('far.example'))).toEqual([ORIGINAL]);
        expect((await sent()).caught).toBe(0);
        await using _ = await run();
        const before = await sent();
        const [abroad, near] = [fresh('far.example'), fresh('near.example')];
        const seen = await names.asked(async () => {
          expect(await addressesOf(abroad)).toEqual([ABROAD.v4]);
          expect(await addressesOf(near, '+tcp')).toEqual([CHINA.v4]);
        });
        expect(seen.trusted).toContain(`A ${abroad}`);
        expect(seen.china).toContain(`A ${near}`);
        expect(await getent(fresh('news.example'))).toEqual([ABROAD.v4]);
        const after = await sent();
        expect(after.asked).toBe(before.asked);
        expect(after.caught).toBeGreaterThanOrEqual(before.caught + 3);
      });

      test('names of the local network go to the servers behind it, and not in a circle', async () => {
        await using _ = await run();
        const seen = await names.asked(async () => {
          expect(await addressesOf(fresh('lan'))).toEqual([LAN]);
          expect(await getent(fresh('lan'))).toEqual([LAN]);
        });
        expect(seen).toEqual({ china: [], trusted: [] });
      });

      test.each([
        ['was stopped', stop],
        [
          'was killed',
          async (snet: Awaited<ReturnType<typeof run>>) => {
            snet.signal('SIGKILL');
            expect(await snet.ended()).toBeNull();
          },
        ],
      ])('it asks its own servers as before once snet %s', async (_, end) => {
        const snet = await run();
        expect(await addressesOf(fresh('far.example'))).toEqual([ABROAD.v4]);
        await end(snet);
        const before = await sent();
        expect(await addressesOf(fresh('far.example'), '+time=2')).toEqual([ORIGINAL]);
        expect(await getent(fresh('far.example'))).toEqual([ORIGINAL]);
        const after = await sent();
        expect(after.asked).toBeGreaterThanOrEqual(before.asked + 2);
        expect(after.caught).toBe(before.caught);
      });
    });
  },
);
