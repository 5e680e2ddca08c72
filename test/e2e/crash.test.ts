/** However snet dies, the machine is online at once: the kernel takes the rules out with the process that owns them. */
import { expect, test } from 'bun:test';
import { ENDLESS, startDownload } from '../lab/download.ts';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { ABROAD, CLIENT, createInternet, FAR, url, type Internet } from '../lab/internet.ts';
import { start } from '../lab/program.ts';
import { startSnet, stop } from '../lab/snet.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['root', 'ip', 'curl', 'nft', 'iptables', 'ipset', 'ss', 'ss-server'], 'SIGKILL', () => {
  test('in mid-transfer leaves the machine online, without a rule of ours, and ready for the next start', async () => {
    await using internet = await createInternet();
    await using _server = await startServer(internet.far);
    const before = await firewalls(internet.client);
    const seenAs = async (address: string) =>
      (await internet.client.must(['curl', '-sS', '--max-time', '1', url(address)])).trim();

    await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
    await using _download = await startDownload(internet.client);
    snet.signal('SIGKILL');
    await snet.ended();
    // The very first attempts: nobody is there to clean up, so nobody is waited for.
    expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
    expect(await seenAs(ABROAD.v6)).toBe(CLIENT.v6);
    expect(await firewalls(internet.client)).toBe(before);

    await using again = await startSnet(internet.client, [shareLink(FAR.v4)]);
    expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
    await stop(again);
    expect(await firewalls(internet.client)).toBe(before);
  });

  test('tells the programs whose transfers it ends', async () => {
    await using internet = await createInternet();
    await using _server = await startServer(internet.far);
    await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
    // Slower than it comes, so that much of it waits in the kernel when its sender dies; what has arrived is read first.
    const slowly = ['curl', '-sS', '--limit-rate', '1M', '-o', '/dev/null', ENDLESS];
    const downloads = Array.from({ length: 5 }, () => start(internet.client, slowly));
    await eventually('the downloads to begin', async () => (await transfers(internet, ABROAD.v4)) === 5);
    // As a stateful firewall does: the origin never hears of connections that it doesn't know, so it can't reset them.
    await internet.world.must(['nft', '-f', '-'], {
      stdin: `table ip firewall { chain in { type filter hook prerouting priority 0; ip saddr ${CLIENT.v4} drop; }; }\n`,
    });
    snet.signal('SIGKILL');
    await snet.ended();
    // 56: failure in receiving. A program that is not told would wait for ever.
    expect(await Promise.all(downloads.map((download) => download.ended()))).toEqual([56, 56, 56, 56, 56]);
  });
});

/** How many connections of the client's to an address have bytes in flight towards it. */
async function transfers({ client }: Internet, address: string): Promise<number> {
  const listing = await client.must(['ss', '-Htn', 'state', 'established', 'dst', address]);
  // Recv-Q comes first.
  return listing.split('\n').filter((line) => Number(line.trim().split(/\s+/)[0]) > 0).length;
}
