/** However snet dies, the machine is online at once: the kernel takes the rules out with the process that owns them. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { ABROAD, CLIENT, createInternet, FAR, url } from '../lab/internet.ts';
import { start } from '../lab/program.ts';
import { startSnet } from '../lab/snet.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const ENDLESS = 1024 ** 4;

describeNeeding(['root', 'ip', 'curl', 'nft', 'iptables', 'ipset', 'ss-server'], 'SIGKILL', () => {
  test('in mid-transfer leaves the machine online, without a rule of ours, and ready for the next start', async () => {
    await using internet = await createInternet();
    await using _server = await startServer(internet.far);
    const before = await firewalls(internet.client);
    const seenAs = async (address: string) =>
      (await internet.client.must(['curl', '-sS', '--max-time', '1', url(address)])).trim();

    await using snet = await startSnet(internet.client, [shareLink(FAR.v4)]);
    await using download = start(internet.client, ['curl', '-sS', url(ABROAD.v4, `bulk/${ENDLESS}`)]);
    await eventually('the download to begin', () => download.stdout().length > 0);
    snet.signal('SIGKILL');
    await snet.ended();
    // The very first attempts: nobody is there to clean up, so nobody is waited for.
    expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
    expect(await seenAs(ABROAD.v6)).toBe(CLIENT.v6);
    expect(await firewalls(internet.client)).toBe(before);

    await using again = await startSnet(internet.client, [shareLink(FAR.v4)]);
    expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
    again.signal('SIGTERM');
    expect(await again.ended()).toBe(0);
    expect(await firewalls(internet.client)).toBe(before);
  });
});
