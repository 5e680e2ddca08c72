/** Which of several upstreams a connection takes, what probes do, and what a reload changes. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { changes, groupForAll, origin, PROBE_URL } from '../lab/group.ts';
import { ABROAD, FAR, GATEWAY } from '../lab/internet.ts';
import { start } from '../lab/program.ts';
import { startResolver } from '../lab/resolver.ts';
import { PORTS } from '../lab/services.ts';
import { SERVER, shareLink } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const SLOW_RELAY = new URL('../lab/slow_relay.ts', import.meta.url).pathname;
const SLOW = { ...SERVER, port: SERVER.port + 1 };
const NAME = 'proxy.example';
const UNPROBED = { 'probe-url': false };
const PROBED = { 'probe-url': PROBE_URL, 'probe-interval': '1s' };

const NEEDS = ['root', 'ip', 'curl', 'nc', 'nft', 'dnsmasq', 'ss-server', 'microsocks'];

describeNeeding(NEEDS, 'a group', () => {
  const lab = groupForAll();
  const folder = folderForAll();
  const { internet, ones } = lab;
  const [first, second, third] = ones;

  /** Whom the origins have seen since they had seen so many. */
  const peersSince = (count: number) =>
    internet
      .seen()
      .slice(count)
      .map(({ peer }) => peer);

  test('round-robin gives each its turn', () =>
    lab.withAll({ policy: 'round-robin', ...UNPROBED }, async () => {
      const seen = await lab.whoAll(9);
      expect(seen.slice(3)).toEqual(seen.slice(0, -3));
      expect(seen.slice(0, 3).toSorted()).toEqual(ones.map(({ address }) => address).toSorted());
    }));

  test('sticky keeps each destination where it is, also when another upstream dies', () =>
    lab.withAll({ policy: 'sticky', ...UNPROBED }, async (snet, [program]) => {
      const destinations = Array.from({ length: 24 }, (_, i) => origin(i));
      const ask = () => Promise.all(destinations.map((at) => lab.who(at)));
      const before = await ask();
      expect(new Set(before)).toEqual(new Set(ones.map(({ address }) => address)));
      expect(await ask()).toEqual(before);
      program!.signal('SIGKILL');
      const after = await ask();
      const kept = destinations.map((_, i) => before[i] === first.address || after[i] === before[i]);
      expect(kept).not.toContain(false);
      expect(after).not.toContain('');
      expect(after).not.toContain(first.address);
      await using _again = await first.start();
      await eventually('all to be where they were', async () => {
        expect(changes(snet)).not.toContain(`down ${second.address}`);
        return Bun.deepEquals(await ask(), before);
      });
    }));

  test('fastest leaves the slow one, and takes no turns with those that are about as fast', async () => {
    await using undo = new AsyncDisposableStack();
    for (const one of ones) undo.use(await one.start());
    const argv = [process.execPath, SLOW_RELAY, String(SLOW.port), String(SERVER.port), '400'];
    const relay = undo.use(start(first.ns, argv));
    await relay.says(/^ready$/m);
    const upstream = [shareLink(FAR.v4, SLOW), second.link, third.link];
    await lab.beside({ upstream, group: { policy: 'fastest', ...PROBED } }, async (snet) => {
      await lab.who();
      await eventually('another to be used', async () => (await lab.who()) !== first.address);
      const seen = await lab.whoAll(40);
      expect(seen).not.toContain(first.address);
      // Once the first figures are there it may change its mind, but not for ever.
      expect(seen.filter((one, i) => i > 0 && one !== seen[i - 1]).length).toBeLessThan(4);
      expect(changes(snet)).toEqual([]);
    });
  });

  test('probes go out when the group is used, and through each upstream', () =>
    lab.withAll({ policy: 'failover', ...PROBED }, async () => {
      const before = internet.seen().length;
      await Bun.sleep(2_500);
      expect(peersSince(before)).toEqual([]);
      expect(await lab.who()).toBe(first.address);
      await eventually('two probes through each', () => {
        const peers = peersSince(before + 1);
        return ones.every(({ address }) => peers.filter((peer) => peer === address).length >= 2);
      });
      expect(new Set(peersSince(before))).toEqual(new Set(ones.map(({ address }) => address)));
    }));

  test('without a page to ask for nothing is asked', () =>
    lab.withAll({ policy: 'failover', ...UNPROBED }, async () => {
      const before = internet.seen().length;
      expect(await lab.who()).toBe(first.address);
      await Bun.sleep(2_500);
      expect(peersSince(before)).toEqual([first.address]);
    }));

  test('a reload changes the group for new connections, and nothing for those under way', async () => {
    await using undo = new AsyncDisposableStack();
    const [one] = await Promise.all(ones.map(async (each) => undo.use(await each.start())));
    const keys = { upstream: [first.link, second.link], group: PROBED };
    await lab.beside(keys, async (snet) => {
      await using steady = start(internet.client, ['nc', ABROAD.v4, String(PORTS.drip)]);
      await steady.says(/\./);
      expect(await lab.who()).toBe(first.address);
      await lab.rewrite({ upstream: [third.link, second.link], group: { ...PROBED, policy: 'round-robin' } });
      snet.signal('SIGHUP');
      await snet.says(/ reloaded upstream="2 upstreams, round-robin"/);
      const before = internet.seen().length;
      const dots = steady.stdout().length;
      const others = [second.address, third.address];
      expect(new Set(await lab.whoAll(4))).toEqual(new Set(others));
      await eventually('more of the steady one', () => steady.stdout().length > dots + 20);
      // Its upstream is none any more: it is not asked for the page, and what becomes of it is no news.
      expect(new Set(peersSince(before))).toEqual(new Set(others));
      one!.signal('SIGKILL');
      expect(await steady.ended()).not.toBeNull();
      expect(changes(snet)).toEqual([]);
    });
  });

  test('one whose name has no address yet is left out until it has one', async () => {
    await using undo = new AsyncDisposableStack();
    for (const one of ones) undo.use(await one.start());
    const resolver = undo.use(await startResolver(internet.world, GATEWAY.v4, folder.file('names')));
    await lab.beside({ upstream: [shareLink(NAME), second.link], group: UNPROBED }, async (snet) => {
      expect(snet.said()).toMatch(/an upstream has no address yet; the others go on .*proxy\.example:8388/);
      expect(await lab.whoAll(3)).toEqual(Array(3).fill(second.address));
      await resolver.point(NAME, first.address);
      await snet.says(/the upstream has an address now server=proxy\.example/);
      await eventually('it to be used', async () => (await lab.who()) === first.address);
    });
  });

  test('one that can never work is left out, and says why', async () => {
    await using _second = await second.start();
    const bad = { type: 'shadowsocks', server: FAR.v4, ...SERVER, plugin: { program: 'no-such-plugin' } };
    await lab.beside({ upstream: [bad, second.link], group: UNPROBED }, async (snet) => {
      expect(snet.said()).toMatch(/an upstream is left out; the others go on .*no-such-plugin/);
      expect(await lab.who()).toBe(second.address);
    });
  });
});
