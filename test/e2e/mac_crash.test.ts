/** However snet dies on a Mac, at whatever call: the Mac is as before soon after, or by `snet clean`, or by the next start. */
import { beforeEach, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { macForEach } from '../lab/mac/namespace.ts';
import { guardianOf } from '../lab/mac/guardian.ts';
import type { Program } from '../lab/program.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['root', 'ip', 'nft', 'curl', 'iptables', 'ipset', 'ss-server'], 'on a Mac', () => {
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
  });
  const mac = macForEach(internet);
  let file: string;
  beforeEach(async () => {
    file = await mac.configure(shareLink(FAR.v4));
  });
  const undone = () => eventually('all to be undone', () => Bun.deepEquals(mac.mac.held(), mac.before));

  /** Both at once, so that nobody is left to undo anything. */
  async function killBoth(snet: Program): Promise<void> {
    const guardian = guardianOf(snet);
    process.kill(guardian, 'SIGSTOP');
    snet.signal('SIGKILL');
    await snet.ended();
    process.kill(guardian, 'SIGKILL');
    expect(mac.mac.held()).not.toEqual(mac.before);
  }

  test('SIGKILL: the guardian undoes all', async () => {
    await using snet = await mac.run(file);
    expect(await mac.seenAs(ABROAD.v4)).toBe(FAR.v4);
    snet.signal('SIGKILL');
    await snet.ended();
    await undone();
    await mac.restored();
  });

  test('a guardian that is killed is followed by another, which does the same', async () => {
    await using snet = await mac.run(file);
    const first = guardianOf(snet);
    process.kill(first, 'SIGKILL');
    await snet.says(/another guardian is at its post/);
    expect(guardianOf(snet)).not.toBe(first);
    snet.signal('SIGKILL');
    await snet.ended();
    await undone();
    await mac.restored();
  });

  test('SIGKILL of both: new connections are refused until clean has undone all', async () => {
    await using snet = await mac.run(file);
    await killBoth(snet);
    // CURLE_COULDNT_CONNECT
    expect((await internet.client.run(['curl', '-sS', '--max-time', '5', url(ABROAD.v4)])).code).toBe(7);
    const { code, stdout } = await mac.clean();
    expect(code).toBe(0);
    expect(stdout).toBe(`\
removed the pf rules and tables of com.apple/snet
removed the reference that kept pf on
removed the sysctl net.inet.tcp.tso=0
`);
    await mac.restored();
    expect(await mac.clean()).toMatchObject({ code: 0, stdout: '' });
  });

  test('SIGKILL of both: the next start undoes it and begins anew', async () => {
    await using snet = await mac.run(file);
    await killBoth(snet);
    await using next = await mac.run(file);
    await next.says(/removed what an earlier run had left/);
    expect(await mac.seenAs(ABROAD.v4)).toBe(FAR.v4);
    expect(mac.mac.state.pf.references).toHaveLength(1);
    await mac.stopped(next);
  });

  test('SIGKILL and another start at once, or a little later: the guardian leaves that one alone', async () => {
    for (const pause of [0, 100, 300, 500, 700]) {
      await using snet = await mac.run(file);
      snet.signal('SIGKILL');
      await snet.ended();
      await Bun.sleep(pause);
      await using next = await mac.run(file);
      // Longer than the guardian is at work.
      await Bun.sleep(1_000);
      expect([await mac.seenAs(ABROAD.v4), await mac.seenAs(ABROAD.v6)]).toEqual([FAR.v4, FAR.v6]);
      await mac.stopped(next);
    }
  }, 60_000);

  test('death right after any call of the start or the end: the guardian undoes all', async () => {
    let deaths = 0;
    for (let call = 1; ; call++) {
      await using snet = mac.begin(file, '--dies-after', String(call));
      const ready = snet.says(/ ready /).then(() => snet.signal('SIGTERM'));
      const [code] = await Promise.all([snet.ended(), ready.catch(() => {})]);
      if (code === 0) break;
      expect(code).toBeNull();
      deaths++;
      await undone();
    }
    expect(deaths).toBeGreaterThanOrEqual(20);
    await mac.restored();
  }, 120_000);
});
