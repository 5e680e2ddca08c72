/** The machine gets another address, as on another Wi-Fi: what went by the old one is let go at once, all else goes on. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, CHINA, CLIENT, FAR, GATEWAY, url } from '../lab/internet.ts';
import { namesForAll } from '../lab/names.ts';
import { start } from '../lab/program.ts';
import { stop } from '../lab/snet.ts';
import { CHINA_RESOLVER, configure } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

const RUN = new URL('../lab/told_of_changes.ts', import.meta.url).pathname;
const OTHER = '192.168.7.9';
/** Prints how many bytes it was given. */
const COUNTING = ['curl', '-sS', '-o', '/dev/null', '-w', '%{size_download}'];

describeNeeding(['root', 'ip', 'nft', 'curl', 'dig', 'dnsmasq', 'ss', 'ss-server'], 'another network', () => {
  const names = namesForAll();

  const run = async () => {
    // Over TCP, so that connections stay open that are bound to the old address.
    const file = await configure(names.folder.path, { china: [`tcp://${CHINA_RESOLVER.v4}`] });
    const snet = start(names.ns, [process.execPath, RUN, file]);
    await snet.says(/ ready /);
    return snet;
  };
  const move = (from: string, to: string) =>
    names.ns.batch([
      `addr del ${from}/24 dev uplink`,
      `addr add ${to}/24 dev uplink`,
      `route add 0.0.0.0/0 via ${GATEWAY.v4}`,
    ]);
  const connectionsFrom = async (address: string, state = 'connected') =>
    (await names.ns.must(['ss', '-tnH', 'state', state, 'src', address])).trim().split('\n').filter(Boolean);
  const page = (address: string) => names.ns.must(['curl', '-sS', '--max-time', '10', url(address)]);

  test('is taken in', async () => {
    await using snet = await run();
    // By IPv6, so that the program itself keeps its address: only its way through the upstream loses one.
    const download = start(names.ns, ['curl', '-sS', url(ABROAD.v6, `bulk/${1024 ** 4}`)]);
    await eventually('the download to begin', () => download.stdout().length > 0);
    expect(await names.addressesOf('www.near.example')).toEqual([CHINA.v4]);
    expect(await names.addressesOf('www.news.example')).toEqual([ABROAD.v4]);
    expect((await connectionsFrom(CLIENT.v4)).length).toBeGreaterThanOrEqual(3);

    await move(CLIENT.v4, OTHER);
    expect((await connectionsFrom(CLIENT.v4)).length).toBeGreaterThanOrEqual(3);
    snet.signal('SIGUSR2');
    await snet.says(/ info .*the network may have changed what="SIGUSR2 came" reset=1\n/);
    // 56: CURLE_RECV_ERROR, since it was reset.
    expect(await download.ended()).toBe(56);
    await eventually(
      'nothing to be left of the old address',
      async () => (await connectionsFrom(CLIENT.v4)).length === 0,
    );

    expect(await names.addressesOf('w2.near.example')).toEqual([CHINA.v4]);
    expect(await names.addressesOf('w2.news.example')).toEqual([ABROAD.v4]);
    expect(await page(ABROAD.v4)).toContain('151.101.1.6');
    await move(OTHER, CLIENT.v4);
    snet.signal('SIGUSR2');
    expect(await page(ABROAD.v4)).toContain('151.101.1.6');
    await stop(snet);
  });

  test('does not matter to who is just connecting', async () => {
    await using snet = await run();
    // Nothing of what is sent to the upstream's server arrives.
    const block = (what: string) => names.world.must(['nft', what]);
    await block(`add table ip wall; add chain ip wall f { type filter hook forward priority 0; }`);
    await block(`add rule ip wall f ip daddr ${FAR.v4} drop`);
    const download = start(names.ns, ['curl', '-sS', url(ABROAD.v6)]);
    await eventually('an attempt', async () => (await connectionsFrom(CLIENT.v4, 'syn-sent')).length > 0);
    await move(CLIENT.v4, OTHER);
    await block('delete table ip wall');
    snet.signal('SIGUSR2');
    expect(await download.ended()).toBe(0);
    expect(download.stdout()).toContain(FAR.v6);
    await move(OTHER, CLIENT.v4);
    await stop(snet);
  });

  test('told of without a reason, nothing is lost, however often', async () => {
    await using snet = await run();
    const download = start(names.ns, [...COUNTING, url(ABROAD.v4, 'bulk/50000000')]);
    const asking = Array.from({ length: 40 }, async (_, i) => {
      await Bun.sleep(25 * i);
      snet.signal('SIGUSR2');
      return [
        await names.addressesOf(`w${i}.near.example`),
        await names.addressesOf(`w${i}.news.example`),
      ].flat();
    });
    expect(await Promise.all(asking)).toEqual(Array.from({ length: 40 }, () => [CHINA.v4, ABROAD.v4]));
    expect(await download.ended()).toBe(0);
    expect(download.stdout()).toBe('50000000');
    expect(snet.said()).not.toMatch(/ (?:warn|error) /);
    expect(snet.said()).not.toMatch(/reset=[1-9]/);
    await stop(snet);
  });
});
