/** Port 53 on the real kernel, by either mechanism: dnsmasq where snet would listen, and where the questions were meant to go. */
import { describe, expect, test } from 'bun:test';
import { NO_RANGES } from '../../src/net/ranges.ts';
import type { LinuxMechanism, RedirectPlan } from '../../src/redirect/redirect.ts';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, CHINA, CLIENT, GATEWAY } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import type { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import { rangesFrom } from '../net/ranges_from.ts';
import { hold as holdByIptables } from './iptables/client.ts';
import type { Held } from './nftables/held.ts';
import { hold as holdByNftables } from './nftables/holding.ts';
import { GID, plan } from './plan.ts';

const DNS_PORT = 1053;
const PLAN = plan(NO_RANGES, { dns: DNS_PORT });
const EVERYTHING = rangesFrom('0.0.0.0/0', '::/0');

/** Who answers, by the address that it gives {@link NAME}. */
const OURS = '192.0.2.53';
const ORIGINAL = '192.0.2.1';
const STUB = '192.0.2.127';
const NAME = 'who.example';

const HOLD: Readonly<Record<LinuxMechanism, (ns: Netns, plan: RedirectPlan) => Promise<Held>>> = {
  nftables: (ns, plan) => holdByNftables(ns, plan),
  iptables: (ns, plan) => holdByIptables(ns, plan),
};

/** As Docker has it: rules of others keep the kernel's connection tracking, and its translations, alive. */
const OTHERS =
  'table ip others { chain post { type nat hook postrouting priority 100;\n ip saddr 172.17.0.0/16 masquerade\n }\n }\n';

/** The answer; dig takes none from another address than the one that it asked. What else it says if there is none. */
async function ask(ns: Netns, server: string, ...args: readonly string[]): Promise<string> {
  const dig = ['dig', '+short', '+tries=1', '+time=2', `@${server}`, ...args, NAME];
  const { stdout, stderr } = await ns.run(dig);
  return (stdout + stderr).trim();
}

const SERVERS = [GATEWAY.v4, GATEWAY.v6, CHINA.v4, CHINA.v6, ABROAD.v4, ABROAD.v6];
const askAll = (ns: Netns, ...args: readonly string[]) =>
  Promise.all(SERVERS.map((server) => ask(ns, server, ...args)));
const all = (answer: string) => SERVERS.map(() => answer);

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ip6tables', 'ipset', 'dnsmasq', 'dig', 'setpriv'],
  'port 53',
  () => {
    let ns: Netns;
    const internet = internetForAll(async ({ client, world }, programs) => {
      ns = client;
      programs.use(await startDnsmasq(world, { zones: { [NAME]: [ORIGINAL] } }));
      const listen = ['127.0.0.1', '::1'];
      programs.use(await startDnsmasq(ns, { listen, port: DNS_PORT, zones: { [NAME]: [OURS] } }));
      // A forwarder of this machine, as systemd-resolved is: it knows one name, and asks the gateway for the others.
      const forwarder = {
        listen: ['127.0.0.53'],
        zones: { 'stub.example': [STUB] },
        more: [`--server=${GATEWAY.v4}`],
      };
      programs.use(await startDnsmasq(ns, forwarder));
      await eventually('all servers to answer', async () => {
        const direct = await Promise.all([...SERVERS, '127.0.0.53'].map((server) => ask(ns, server)));
        const ours = await ask(ns, '127.0.0.1', '-p', String(DNS_PORT));
        return ours === OURS && direct.every((answer) => answer === ORIGINAL);
      });
    });

    describe.each(['nftables', 'iptables'] as const)('with %s', (mechanism) => {
      const hold = HOLD[mechanism];

      test('is ours, whatever server is asked', async () => {
        await using _ = await hold(ns, PLAN);
        expect(await askAll(ns)).toEqual(all(OURS));
        expect(await askAll(ns, '+tcp')).toEqual(all(OURS));
      });

      test('is ours also where the server is in a bypassed range', async () => {
        await using _ = await hold(ns, { ...PLAN, bypass: EVERYTHING });
        expect(await askAll(ns)).toEqual(all(OURS));
        expect(await askAll(ns, '+tcp')).toEqual(all(OURS));
      });

      test('is nothing special if the plan has no resolver', async () => {
        await using _ = await hold(ns, { ...PLAN, dns: undefined, bypass: EVERYTHING });
        expect(await askAll(ns)).toEqual(all(ORIGINAL));
        expect(await askAll(ns, '+tcp')).toEqual(all(ORIGINAL));
      });

      test('is left to our own group', async () => {
        await using _ = await hold(ns, PLAN);
        const asGroup = (gid: number, ...args: readonly string[]) =>
          ns.must([
            'setpriv',
            '--regid',
            String(gid),
            '--clear-groups',
            'dig',
            '+short',
            `@${GATEWAY.v4}`,
            ...args,
            NAME,
          ]);
        for (const transport of ['+notcp', '+tcp']) {
          expect((await asGroup(GID, transport)).trim()).toBe(ORIGINAL);
          expect((await asGroup(GID + 1, transport)).trim()).toBe(OURS);
        }
      });

      test('of this machine is left to whoever listens there; what that one asks is ours', async () => {
        await using _ = await hold(ns, PLAN);
        const stub = await ns.must(['dig', '+short', '@127.0.0.53', 'stub.example']);
        expect(stub.trim()).toBe(STUB);
        expect(await ask(ns, '127.0.0.53')).toBe(OURS);
      });

      test('alone: datagrams to another port go where they are meant to go', async () => {
        await using other = await startDnsmasq(internet.world, { port: 5300, zones: { [NAME]: [STUB] } });
        await using _ = await hold(ns, PLAN);
        await eventually(
          'the other server to answer',
          async () => other.running && (await ask(ns, GATEWAY.v4, '-p', '5300')) === STUB,
        );
      });

      test('of a link-local resolver is left to it: its sockets are bound to the device', async () => {
        const listed = await internet.world.must([
          'ip',
          '-6',
          'addr',
          'show',
          'dev',
          'client',
          'scope',
          'link',
        ]);
        const resolver = `${/fe80[0-9a-f:]+/.exec(listed)![0]}%uplink`;
        await eventually('the addresses to be settled', async () => (await ask(ns, resolver)) === ORIGINAL);
        await using _ = await hold(ns, PLAN);
        expect(await ask(ns, resolver)).toBe(ORIGINAL);
        expect(await ask(ns, resolver, '+tcp')).toBe(ORIGINAL);
      });

      test.each([
        ['', ''],
        [' beside the rules of others', OTHERS],
      ])('is left to all others once the process is killed%s', async (_, others) => {
        if (others !== '') await ns.must(['nft', '-f', '-'], { stdin: others });
        const held = await hold(ns, PLAN);
        expect(await askAll(ns)).toEqual(all(OURS));
        await held.kill();
        // The kernel itself takes out the nftables rules; the guardian of the iptables rules needs a moment.
        if (mechanism === 'nftables') expect(await askAll(ns)).toEqual(all(ORIGINAL));
        else
          await eventually('the guardian', async () =>
            (await askAll(ns)).every((answer) => answer === ORIGINAL),
          );
        expect(await askAll(ns, '+tcp')).toEqual(all(ORIGINAL));
        if (others !== '') await ns.must(['nft', 'delete', 'table', 'ip', 'others']);
      });

      test('goes to its server at once also for a program that keeps its port, if nobody else translates', async () => {
        const held = await hold(ns, PLAN);
        const kept = ['-b', `${CLIENT.v4}#9053`];
        expect(await ask(ns, GATEWAY.v4, ...kept)).toBe(OURS);
        await held.kill();
        await eventually(
          'the server itself to answer',
          async () => (await ask(ns, GATEWAY.v4, ...kept)) === ORIGINAL,
        );
      });
    });
  },
);
