/** The whole program of macOS, with real packets, on a Mac made of a file. */
import { beforeEach, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { firewalls } from '../lab/firewalls.ts';
import { folderForEach } from '../lab/folder.ts';
import { ABROAD, CHINA, CLIENT, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { configureUpstream, makeMac, stopped, type MacNamespace } from '../lab/mac/namespace.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['root', 'ip', 'nft', 'curl', 'iptables', 'ipset', 'ss-server'], 'a Mac', () => {
  const folder = folderForEach();
  const internet = internetForAll(async ({ far }, undo) => {
    undo.use(await startServer(far));
  });
  let mac: MacNamespace;
  let file: string;
  let before: string;
  beforeEach(async () => {
    mac = await makeMac(internet.client, folder.path);
    file = await configureUpstream(folder.path, shareLink(FAR.v4));
    before = await firewalls(internet.client);
  });
  const seenAs = async (address: string) =>
    (await internet.client.must(['curl', '-sS', '--max-time', '5', url(address)])).trim();
  const restored = async () => {
    expect(mac.mac.held()).toEqual(mac.before);
    expect(await firewalls(internet.client)).toBe(before);
    expect([await seenAs(ABROAD.v4), await seenAs(ABROAD.v6)]).toEqual([CLIENT.v4, CLIENT.v6]);
  };

  test('is redirected abroad over both families, not to China, and is as before in the end', async () => {
    await using snet = await mac.run(file);
    expect([await seenAs(ABROAD.v4), await seenAs(ABROAD.v6)]).toEqual([FAR.v4, FAR.v6]);
    expect([await seenAs(CHINA.v4), await seenAs(CHINA.v6)]).toEqual([CLIENT.v4, CLIENT.v6]);
    await stopped(snet, mac);
    await restored();
    expect(snet.said()).not.toMatch(/ (?:warn|error) /);
  });

  test('is as before soon after a kill', async () => {
    await using snet = await mac.run(file);
    expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
    snet.signal('SIGKILL');
    await snet.ended();
    await eventually('the guardian to undo all', () => Bun.deepEquals(mac.mac.held(), mac.before));
    await restored();
  });
});
