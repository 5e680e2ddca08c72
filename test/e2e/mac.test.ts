/** The whole program of macOS, with real packets, on a Mac made of a file. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { EXIT } from '../../src/cli/exit.ts';
import { ABROAD, CHINA, CLIENT, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { turnSharingOn, type MacState } from '../lab/mac/mac_state.ts';
import { macForEach } from '../lab/mac/namespace.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['root', 'ip', 'nft', 'curl', 'iptables', 'ipset', 'conntrack', 'ss-server'], 'a Mac', () => {
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
  });
  const mac = macForEach(internet);
  let file: string;
  beforeEach(async () => {
    file = await mac.configure(shareLink(FAR.v4));
  });
  const seenAs = (...addresses: readonly string[]) => Promise.all(addresses.map((one) => mac.seenAs(one)));

  test('is redirected abroad over both families, not to China, and is as before in the end', async () => {
    await using snet = await mac.run(file);
    expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, FAR.v6]);
    expect(await seenAs(CHINA.v4, CHINA.v6)).toEqual([CLIENT.v4, CLIENT.v6]);
    await mac.stopped(snet);
    expect(snet.said()).not.toMatch(/ (?:warn|error) /);
    expect(snet.said()).toContain('original destinations are asked of pf by=ioctl');
    expect(snet.said()).toContain('redirecting mechanism=pf why="macOS has no other"');
  });

  test('with Internet Sharing on, which it does not disturb', async () => {
    await mac.remake(turnSharingOn);
    await using snet = await mac.run(file);
    expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, FAR.v6]);
    await snet.says(/what comes from there is not redirected/);
    await mac.stopped(snet);
  });

  test('carries whole transfers both ways, many at a time', async () => {
    await using snet = await mac.run(file);
    const size = 2_000_000;
    const download = (address: string) =>
      internet.client.must([
        'curl',
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        url(address, `bulk/${size}`),
      ]);
    const both = [ABROAD.v4, ABROAD.v6, CHINA.v4];
    const sizes = await Promise.all([...both, ...both, ...both].map(download));
    expect(sizes).toEqual(sizes.map(() => String(size)));
    await mac.stopped(snet);
  });

  test('whose ioctl does not get through is asked by pfctl instead', async () => {
    await using snet = await mac.run(file, '--deaf-ioctl');
    await snet.says(/warn .*original destinations are read from what pfctl prints/);
    const crowd = [ABROAD.v4, ABROAD.v6, ABROAD.v4, ABROAD.v6, ABROAD.v4, ABROAD.v6];
    expect(await seenAs(...crowd)).toEqual(crowd.map((one) => (one === ABROAD.v4 ? FAR.v4 : FAR.v6)));
    await mac.stopped(snet);
  });

  test('takes other ranges with a reload, and keeps the old ones if they are wrong', async () => {
    await using snet = await mac.run(file);
    const reload = async (keys: object, said: RegExp) => {
      const since = snet.said().length;
      await writeFile(file, JSON.stringify({ upstream: shareLink(FAR.v4), dns: false, ...keys }));
      snet.signal('SIGHUP');
      await snet.says(said, since);
    };
    await reload({ bypass: [`${ABROAD.v4}/32`] }, /reloaded/);
    expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([CLIENT.v4, FAR.v6]);
    await reload({ bypass: ['nowhere/99'] }, / error /);
    expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([CLIENT.v4, FAR.v6]);
    await reload({}, /reloaded/);
    expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, FAR.v6]);
    await mac.stopped(snet);
  });

  test('tells its status', async () => {
    await using snet = await mac.run(file);
    expect(await seenAs(ABROAD.v4)).toEqual([FAR.v4]);
    const { code, stdout } = await mac.ask('status', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pid: snet.pid, mechanism: 'pf', flows: { accepted: 1 } });
    await mac.stopped(snet);
  });

  test('runs one of us; the second is told so, and changes nothing', async () => {
    await using snet = await mac.run(file);
    const during = mac.mac.held();
    await using second = mac.begin(file);
    expect(await second.ended()).toBe(EXIT.inUse.code);
    expect(second.said()).toContain(String(snet.pid));
    const { code, stderr } = await mac.clean();
    expect([code, stderr]).toEqual([EXIT.inUse.code, expect.stringContaining(String(snet.pid))]);
    expect(mac.mac.held()).toEqual(during);
    expect(await seenAs(ABROAD.v4)).toEqual([FAR.v4]);
    await mac.stopped(snet);
  });

  describe('that loses IPv6 on its way', () => {
    const loses = (state: MacState) => void (state.losesIpv6 = true);

    test('has new connections over it refused at once, so that programs take IPv4', async () => {
      await mac.remake(loses);
      await using snet = await mac.run(file);
      await snet.says(/warn .*pf does not bring us IPv6 here: new connections over it are refused/);
      const { code } = await internet.client.run(['curl', '-sS', '--max-time', '10', url(ABROAD.v6)]);
      // CURLE_COULDNT_CONNECT, not a time-out.
      expect(code).toBe(7);
      const names = ['--resolve', `both.example:80:[${ABROAD.v6}],${ABROAD.v4}`];
      const peer = await internet.client.must([
        'curl',
        '-sS',
        '--max-time',
        '10',
        ...names,
        'http://both.example/',
      ]);
      expect(peer.trim()).toBe(FAR.v4);
      expect(await seenAs(CHINA.v6)).toEqual([CLIENT.v6]);
      await mac.stopped(snet);
    });

    test('lets them go straight out, if told to', async () => {
      await mac.remake(loses);
      await using snet = await mac.run(
        await mac.configure(shareLink(FAR.v4), { redirect: { 'ipv6-fallback': 'direct' } }),
      );
      await snet.says(/warn .*pf does not bring us IPv6 here: connections over it go straight out/);
      expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, CLIENT.v6]);
      await mac.stopped(snet);
    });
  });

  describe('on which it can not be', () => {
    test.each<[string, (state: MacState) => void, number, string]>([
      ['not root', (state) => void (state.isRoot = false), EXIT.permission.code, 'sudo'],
      [
        'root, and refused all the same',
        (state) => void (state.refusal = 'pfctl: /dev/pf: Operation not permitted'),
        EXIT.permission.code,
        'Device Management',
      ],
      [
        'old',
        (state) => void (state.version = '12.7.6'),
        EXIT.unsupported.code,
        'the oldest that snet supports is macOS 13',
      ],
      ['lo0 skipped', ({ pf }) => void pf.skipped.push('lo0'), EXIT.unsupported.code, 'reload-pf-conf'],
      [
        'another’s main ruleset',
        ({ pf }) => void (pf.main.text = 'pass out all\n'),
        EXIT.unsupported.code,
        'sudo pfctl -f /etc/pf.conf',
      ],
    ])('says why: %s', async (_, change, code, text) => {
      await mac.remake(change);
      await using snet = mac.begin(file);
      expect(await snet.ended()).toBe(code);
      expect(snet.said()).toContain(text);
      expect(snet.said()).not.toContain('internal error');
      await mac.restored();
    });

    test('is mended at the start, if told to', async () => {
      await mac.remake(({ pf }) => {
        pf.main.text = 'pass out all\n';
        pf.skipped.push('lo0');
      });
      await using snet = await mac.run(
        await mac.configure(shareLink(FAR.v4), { redirect: { 'reload-pf-conf': true } }),
      );
      expect(await seenAs(ABROAD.v4, ABROAD.v6)).toEqual([FAR.v4, FAR.v6]);
      snet.signal('SIGTERM');
      expect(await snet.ended()).toBe(0);
      const { main, skipped } = mac.mac.state.pf;
      expect(main.text).toBe(mac.mac.state.files['/etc/pf.conf']!);
      expect(skipped).toEqual([]);
    });
  });
});
