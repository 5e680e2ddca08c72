/** Several upstreams: the death of one is nobody's business but the log's. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import {
  blackhole,
  changes,
  endBlackhole,
  groupForAll,
  PER_SECOND,
  PROBE_URL,
  startDownloads,
  startStorm,
  type Dial,
} from '../lab/group.ts';
import { ABROAD, CHINA } from '../lab/internet.ts';
import type { Program } from '../lab/program.ts';
import { describeNeeding } from '../needs.ts';

const DOWNLOADS = 200;
const PROBED = { 'probe-url': PROBE_URL, 'probe-interval': '1s' };

/** Who asks the origin once a connection is open, and who waits for it to speak. */
interface Storms {
  readonly waiting: Dial[];
  readonly asking: Dial[];
}

describeNeeding(['root', 'ip', 'curl', 'nft', 'ss', 'ss-server', 'microsocks'], 'of three upstreams', () => {
  const lab = groupForAll();
  const { internet } = lab;
  const [first, second, third] = lab.ones;

  /** With downloads all the time, has both kinds of clients dial, and `event` happen in the midst of it. */
  async function storm(
    seconds: number,
    event: () => Promise<unknown>,
  ): Promise<Storms & { eventAt: number }> {
    await using _busy = startDownloads(internet, DOWNLOADS);
    await eventually('the downloads', async () => {
      const flows = await first.ns.must(['ss', '-Htn', 'state', 'established', 'sport', '=', ':8388']);
      return flows.split('\n').length > DOWNLOADS;
    });
    await using waiting = await startStorm(internet, seconds);
    await using asking = await startStorm(internet, seconds, 'x');
    await Bun.sleep(1_500);
    const eventAt = Date.now();
    await event();
    const storms = { waiting: await waiting.dials(), asking: await asking.dials(), eventAt };
    // A machine that has no time for them measures nothing.
    for (const dials of [storms.waiting, storms.asking])
      expect(dials.length).toBeGreaterThan((PER_SECOND * seconds) / 2);
    return storms;
  }

  const failed = (dials: readonly Dial[]) => dials.filter(({ result }) => result !== 'answered');
  const since = (dials: readonly Dial[], time: number) => dials.filter(({ at }) => at > time);

  async function expectRecovery(snet: Program, again: () => Promise<unknown>): Promise<void> {
    await again();
    await eventually('the first to be back', async () => {
      await lab.who();
      return changes(snet).includes(`back ${first.address}`);
    });
    expect(await lab.who()).toBe(first.address);
  }

  test.each([
    ['with probes', PROBED],
    ['without', { 'probe-url': false }],
  ])('one is killed: nobody who had sent nothing fails, and nobody new after a second; %s', (_, group) =>
    lab.withAll(group, async (snet, [program]) => {
      let restarted: Program | undefined;
      const { waiting, asking, eventAt } = await storm(6, async () => {
        program!.signal('SIGKILL');
        await Bun.sleep(2_000);
        restarted = await first.start();
      });
      await using _again = restarted!;
      expect(failed(waiting)).toEqual([]);
      expect(failed(since(asking, eventAt + 1_000))).toEqual([]);
      expect(snet.said()).toMatch(/an upstream is down; others are used status=ERR_DIAL/);
      // All the time somebody dials, and sees it come back: once.
      await expectRecovery(snet, async () => {});
      expect(changes(snet)).toEqual([`down ${first.address}`, `back ${first.address}`]);
    }),
  );

  test.each([
    ['with probes', PROBED],
    ['without', { 'probe-url': false }],
  ])('one falls silent: new connections are elsewhere within a second, the waiting soon; %s', (_, group) =>
    lab.withAll(group, async (snet) => {
      const { waiting, asking, eventAt } = await storm(6, async () => {
        await blackhole(first.ns);
        await Bun.sleep(3_000);
        await endBlackhole(first.ns);
      });
      expect(failed(waiting)).toEqual([]);
      const later = since([...waiting, ...asking], eventAt + 1_000);
      expect(later.filter(({ result, ms }) => result !== 'answered' || ms > 1_000)).toEqual([]);
      expect(snet.said()).toMatch(/an upstream is down; others are used status=ERR_DIAL_TIMEOUT/);
      await expectRecovery(snet, async () => {});
      expect(changes(snet)).toEqual([`down ${first.address}`, `back ${first.address}`]);
    }),
  );

  test.each([
    ['with probes', PROBED],
    ['without', { 'probe-url': false }],
  ])('all die: connections fail at once; one comes back, and they work; %s', (_, group) =>
    lab.withAll(group, async (snet, programs) => {
      expect(await lab.who()).toBe(first.address);
      for (const program of programs) program.signal('SIGKILL');
      await eventually('all to be down', async () => {
        expect(await lab.who()).toBe('');
        return snet.said().includes('the last upstream is down');
      });
      // For longer than a pause between trials would be, if there were others.
      for (const until = performance.now() + 6_000; performance.now() < until;) {
        const began = performance.now();
        expect(await lab.who()).toBe('');
        expect(performance.now() - began).toBeLessThan(1_000);
        await Bun.sleep(100);
      }
      expect(snet.said()).toMatch(/every upstream is down status=ERR_UPSTREAMS_DOWN/);
      await using _back = await third.start();
      const back = performance.now();
      await eventually('it to work again', async () => (await lab.who()) === third.address);
      expect(performance.now() - back).toBeLessThan(4_000);
      expect(await lab.whoAll(5)).toEqual(Array(5).fill(third.address));
      expect(changes(snet).filter((change) => change.startsWith('back'))).toEqual([`back ${third.address}`]);
      await using _second = await second.start();
      await eventually('the second to be used', async () => (await lab.who()) === second.address);
    }),
  );

  test('targets that are dead are not the fault of those who can’t reach them', async () => {
    // Where nobody listens.
    await internet.world.must(['ip', 'route', 'add', 'local', '8.8.0.0/16', 'dev', 'lo']);
    await lab.withAll(PROBED, async (snet) => {
      let dead = 0;
      for (const until = performance.now() + 13_000; performance.now() < until; dead++) {
        // Those that wait, and those that speak.
        const word = dead % 2 ? 'echo hello >&3;' : '';
        const connect = `exec 3<>/dev/tcp/8.8.${dead >> 8}.${dead & 255}/443; ${word} cat <&3`;
        await internet.client.run(['timeout', '1', 'bash', '-c', connect]);
      }
      expect(dead).toBeGreaterThan(100);
      expect(changes(snet)).toEqual([]);
      expect(await lab.who()).toBe(first.address);
    });
  });

  test('one that takes connections and answers none is left, too', () =>
    lab.withAll(
      { 'probe-url': false },
      async (snet, [program]) => {
        expect(await lab.who()).toBe(first.address);
        program!.signal('SIGSTOP');
        const asked: Promise<string>[] = [];
        const origins = [ABROAD.v4, ABROAD.v6, CHINA.v4, CHINA.v6];
        const until = performance.now() + 18_000;
        for (; changes(snet).length === 0 && performance.now() < until; await Bun.sleep(500))
          asked.push(...origins.map((origin) => lab.who(origin)));
        expect(changes(snet)).toEqual([`down ${first.address}`]);
        expect(snet.said()).toMatch(/an upstream is down; others are used status=ERR_UPSTREAM_SILENT/);
        expect(await lab.who(ABROAD.v6)).not.toBe('');
        program!.signal('SIGCONT');
        await Promise.all(asked);
      },
      { scope: 'global' },
    ));
});
