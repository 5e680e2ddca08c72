/** However snet dies, the machine is online at once: the kernel takes the rules out with the process that owns them. */
import { expect, test } from 'bun:test';
import { startDownload } from '../lab/download.ts';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { ABROAD, CLIENT, createInternet, FAR, url, type Internet } from '../lab/internet.ts';
import { start } from '../lab/program.ts';
import { PORTS } from '../lab/services.ts';
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

  // Three tries: a reset that the kernel comes to only after the rules are gone, as it may where the CPUs are
  // overloaded (its soft interrupts are put off then), is not translated any more.
  test('tells the programs whose transfers it ends', async () => {
    const told: number[][] = [];
    while (told.length < 3 && !told.at(-1)?.every((code) => code === TOLD)) told.push(await endsOfKilled());
    expect(told.at(-1)).toEqual([TOLD, TOLD, TOLD, TOLD, TOLD]);
  }, 60_000);
});

/** curl: failure in receiving. */
const TOLD = 56;

/** Kills snet in the midst of five transfers. @returns curl's exit codes; 28 of one that was not told */
async function endsOfKilled(): Promise<number[]> {
  await using internet = await createInternet();
  await using _server = await startServer(internet.far);
  await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
  // Few bytes at a time: with a receive buffer that overflows at that moment the kernel drops what is still under way,
  // takes the reset behind it for a forged one, and asks the sender, who is gone (RFC 5961 §3.2).
  const source = url(ABROAD.v4, '', PORTS.drip);
  const dripping = ['curl', '-sSN', '-m', '6', '--http0.9', '-o', '/dev/null', source];
  const downloads = Array.from({ length: 5 }, () => start(internet.client, dripping));
  await eventually('the downloads to begin', async () => (await transfers(internet, ABROAD.v4)) === 5);
  // As a stateful firewall does: the origin never hears of connections that it doesn't know, so it can't reset them.
  await internet.world.must(['nft', '-f', '-'], {
    stdin: `table ip firewall { chain in { type filter hook prerouting priority 0; ip saddr ${CLIENT.v4} drop; }; }\n`,
  });
  snet.signal('SIGKILL');
  await snet.ended();
  return await Promise.all(downloads.map(async (download) => (await download.ended())!));
}

/** How many connections of the client's to an address have received something. */
async function transfers({ client }: Internet, address: string): Promise<number> {
  const listing = await client.must(['ss', '-Htni', 'state', 'established', 'dst', address]);
  return listing.match(/ bytes_received:[1-9]/g)?.length ?? 0;
}
