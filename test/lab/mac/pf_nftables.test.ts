/** The rules of nftables do to connections what pf's rules would, by the reader of pf's rules. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { formatAddress, type Endpoint } from '../../../src/net/address.ts';
import { renderBypass, renderRuleset, type Ipv6Treatment } from '../../../src/redirect/pf/render.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { describeNeeding } from '../../needs.ts';
import { join, Netns } from '../netns.ts';
import { start } from '../program.ts';
import type { Outcome } from './connect_all.ts';
import { reboot, stockMac, turnSharingOn, type MacState } from './mac_state.ts';
import { fateOf, load } from './pf_kernel.ts';
import { nftablesOf } from './pf_nftables.ts';
import { connecting, endpoint, GID, PORT } from './pf_stage.ts';

const CONNECT = new URL('connect_all.ts', import.meta.url).pathname;
const DNS = 1053;
const BYPASS = rangesFrom('10.0.0.0/8', '192.0.2.0/24', '198.51.100.64/26', 'fc00::/7', '2001:db8::/32');
/** At the edges of the ranges, and of what is taken out of them. */
const HOSTS = `
  9.255.255.255 10.0.0.0 10.255.255.255 11.0.0.0 192.0.2.253 192.0.2.254 192.0.3.0
  198.51.100.63 198.51.100.64 198.51.100.127 198.51.100.128 172.16.0.1
  2001:db7::1 2001:db8::1 2001:db8::c000:2fe 2001:db9:: fd00::1 fe00::1 2400:3200::1`
  .trim()
  .split(/\s+/);
const DESTINATIONS: readonly Endpoint[] = HOSTS.flatMap((host) =>
  [80, 53].map((port) => endpoint(host, port)),
);

function macWith(ipv6: Ipv6Treatment, change: (state: MacState) => void): MacState {
  const state = stockMac();
  change(state);
  const plan = { port: PORT, dns: DNS, gid: GID };
  const bypass = renderBypass(BYPASS, ipv6, [
    endpoint('192.0.2.254', 9).address,
    endpoint('2001:db8::c000:2fe', 9).address,
  ]);
  const files: Readonly<Record<string, string>> = { '/own': '172.16.0.1\n', '/bypass': bypass };
  load(
    state,
    'com.apple/snet',
    renderRuleset(plan, ipv6, { own: '/own', bypass: '/bypass' }),
    '-',
    (path) => files[path]!,
  );
  state.pf.isOn = true;
  return state;
}

function expected(state: MacState, destination: Endpoint, group: number): Outcome {
  const fate = fateOf(state, connecting(destination, { group }));
  return fate.what === 'redirected' ? 'connected' : fate.what === 'blocked' ? 'refused' : 'nothing';
}

describeNeeding(['root', 'ip', 'nft', 'setpriv'], 'rules of a Mac on Linux', () => {
  const undo = new AsyncDisposableStack();
  let ns: Netns;
  beforeAll(async () => {
    ns = undo.use(await Netns.create('mac'));
    const nobody = undo.use(await Netns.create('nobody'));
    await join(
      { ns, device: 'uplink', addresses: ['192.168.1.5/24', '2001:db8:1::5/64'] },
      { ns: nobody, device: 'mac', addresses: ['192.168.1.1/24', '2001:db8:1::1/64'] },
    );
    await ns.batch(['route add 0.0.0.0/0 via 192.168.1.1', 'route add ::/0 via 2001:db8:1::1']);
    // Else it would say that it knows no way, now and then: of IPv6 no more often than once a second.
    await nobody.must(['nft', '-f', '-'], {
      stdin:
        'table inet silence { chain in { type filter hook prerouting priority 0; meta l4proto tcp drop; }; }\n',
    });
    const listening = `for (const port of [${PORT}, ${DNS}]) for (const hostname of ['127.0.0.1', '::1'])
      Bun.listen({ hostname, port, socket: { data() {} } }); process.stdout.write('ready\\n');`;
    const listener = undo.use(start(ns, [process.execPath, '-e', listening]));
    await listener.says(/ready/);
  });
  afterAll(() => undo.disposeAsync());

  const outcomes = async (state: MacState, group: number): Promise<Outcome[]> => {
    await ns.must(['nft', '-f', '-'], { stdin: nftablesOf(state) });
    const words = DESTINATIONS.flatMap(({ address, port }) => [formatAddress(address), String(port)]);
    const as = ['setpriv', '--regid', String(group), '--clear-groups'];
    return JSON.parse(await ns.must([...as, process.execPath, CONNECT, ...words])) as Outcome[];
  };
  const check = async (state: MacState, group: number): Promise<ReadonlySet<Outcome>> => {
    const wanted = DESTINATIONS.map((destination) => expected(state, destination, group));
    const found = await outcomes(state, group);
    const told = (all: readonly Outcome[]) =>
      DESTINATIONS.map(({ address, port }, i) => `${formatAddress(address)} ${port}: ${all[i]}`);
    expect(told(found)).toEqual(told(wanted));
    return new Set(found);
  };

  describe.each<[string, (state: MacState) => void]>([
    ['as it comes', () => {}],
    ['with Internet Sharing on', turnSharingOn],
  ])('a Mac %s', (_, change) => {
    test.each(['redirect', 'block', 'direct', 'none'] as const)('IPv6: %s', async (ipv6) => {
      const met = await check(macWith(ipv6, change), 20);
      expect(met.has('connected') && met.has('nothing')).toBe(true);
      expect(met.has('refused')).toBe(ipv6 === 'block');
    });
  });

  test('our own group goes free', async () => {
    expect(
      await check(
        macWith('block', () => {}),
        GID,
      ),
    ).toEqual(new Set<Outcome>(['nothing']));
  });

  test.each<[string, (state: MacState) => void]>([
    ['pf is off', ({ pf }) => void (pf.isOn = false)],
    ['lo0 is skipped', ({ pf }) => void pf.skipped.push('lo0')],
    ['another main ruleset is there', ({ pf }) => void (pf.main.text = 'pass out all\n')],
    ['the Mac has been started anew', reboot],
  ])('nothing is redirected if %s', async (_, change) => {
    const state = macWith('redirect', () => {});
    change(state);
    expect(await check(state, 20)).toEqual(new Set<Outcome>(['nothing']));
  });
});
