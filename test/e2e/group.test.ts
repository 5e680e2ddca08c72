/** Several upstreams: the death of one is nobody's business but the log's. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { Netns } from '../lab/netns.ts';
import { start, type Program } from '../lab/program.ts';
import { startMicrosocks } from '../lab/proxies.ts';
import { PORTS } from '../lab/services.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const STORM = new URL('../lab/dial_storm.ts', import.meta.url).pathname;
const SECOND = { ...SERVER, port: SERVER.port + 1 };
const SOCKS = 1081;
const PER_SECOND = 50;
const SECONDS = 5;

interface Dial {
  readonly at: number;
  readonly ms: number;
  readonly result: string;
}

describeNeeding(['root', 'ip', 'curl', 'nft', 'ss-server', 'microsocks'], 'of three upstreams', () => {
  const internet = internetForAll(async () => {});

  /** With all three, in this order. */
  async function withThree(body: (snet: Program, first: Program) => Promise<void>, ...more: string[]) {
    await using first = await startServer(internet.far);
    await using _second = await startServer(internet.far, SECOND);
    await using _third = await startMicrosocks(internet.far, { port: SOCKS });
    const links = [shareLink(FAR.v4), shareLink(FAR.v4, SECOND), `socks5://${FAR.v4}:${SOCKS}`];
    await beside(internet.client, [...links, ...more], (snet) => body(snet, first));
  }

  /** Dials all the time, and has `event` happen in the midst of it. */
  async function storm(event: () => Promise<void>): Promise<{ dials: Dial[]; eventAt: number }> {
    const rate = [String(PER_SECOND), String(SECONDS)];
    const argv = [process.execPath, STORM, ABROAD.v4, String(PORTS.greeter), ...rate];
    await using program = start(internet.client, argv);
    await program.says(/^ready$/m);
    const began = performance.now();
    await Bun.sleep(1_500);
    const eventAt = performance.now() - began;
    await event();
    expect(await program.ended()).toBe(0);
    const dials = program
      .stdout()
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as Dial);
    expect(dials.length).toBeGreaterThan((PER_SECOND * SECONDS) / 2);
    return { dials, eventAt };
  }

  /** 200 downloads that go on for ever. */
  const downloads = () =>
    start(internet.client, [
      'curl', '-sS', '--http0.9', '-Z', '--parallel-immediate', '--parallel-max', '200', '-o', '/dev/null',
      `${url(ABROAD.v4, '', PORTS.drip)}?[1-200]`,
    ]); // prettier-ignore

  test('the first is killed, and no connection that had sent nothing fails', () =>
    withThree(async (snet, first) => {
      await using _busy = downloads();
      const { dials, eventAt } = await storm(async () => first.signal('SIGKILL'));
      const after = dials.filter(({ at }) => at > eventAt);
      expect(after.length).toBeGreaterThan(PER_SECOND);
      expect(dials.filter(({ result }) => result !== 'greeted')).toEqual([]);
      await snet.says(/an upstream is down; others are used status=ERR_(?:DIAL_REFUSED|UPSTREAM_RESET)/);
      const status = await internet.client.must(Netns.snet(['status']));
      expect(status).toMatch(/:8388 aes-256-gcm: DOWN for \d s,.* last failure ERR_/);
      expect(status).toMatch(/:8389 aes-256-gcm: up for /);
      const { upstreams } = JSON.parse(await internet.client.must(Netns.snet(['status', '--json'])));
      expect(upstreams.map(({ isUp }: { isUp: boolean }) => isUp)).toEqual([false, true, true]);
    }));

  test('the first falls silent, and new connections are elsewhere within a second', () =>
    withThree(async (snet) => {
      await using _busy = downloads();
      const blackhole = `table inet hole { chain in { type filter hook input priority -300; tcp dport ${SERVER.port} drop; }; }\n`;
      const { dials, eventAt } = await storm(async () => {
        await internet.far.must(['nft', '-f', '-'], { stdin: blackhole });
      });
      // One that was greeted through it already, or had the tunnel open, was no new dial.
      const later = dials.filter(({ at }) => at > eventAt + 1_000);
      expect(later.filter(({ result, ms }) => result !== 'greeted' || ms > 1_000)).toEqual([]);
      await snet.says(/an upstream is down; others are used status=ERR_DIAL_TIMEOUT/);
      await internet.far.must(['nft', 'delete', 'table', 'inet', 'hole']);
      // The page that probes ask for can't be had here: what finds out is traffic.
      await eventually('it to be back', async () => {
        await internet.client.must(['curl', '-sS', '-m', '5', url(ABROAD.v4)]);
        return /an upstream is back/.test(snet.said());
      });
    }));

  test('all die: connections fail at once; one comes back, and they work', async () => {
    const dead = { ...SERVER, port: SERVER.port + 7 };
    const links = [shareLink(FAR.v4, dead), `socks5://${FAR.v4}:${SOCKS}`];
    await beside(internet.client, links, async (snet) => {
      const get = () => internet.client.run(['curl', '-sS', '-m', '5', url(ABROAD.v4)]);
      await eventually('all to be down', async () => {
        await get();
        return /the last upstream is down/.test(snet.said());
      });
      const began = performance.now();
      // Reset while curl is still connecting, or a moment later.
      expect([7, 56]).toContain((await get()).code);
      expect(performance.now() - began).toBeLessThan(1_000);
      await snet.says(/every upstream is down status=ERR_UPSTREAMS_DOWN/);
      await using _back = await startMicrosocks(internet.far, { port: SOCKS });
      await eventually('it to work again', async () => (await get()).stdout.trim() === FAR.v4);
    });
  });
});
