/** The same with iptables, which takes nothing out by itself: a guardian does; where it died too, `snet clean` does. */
import { expect, test } from 'bun:test';
import { startDownload } from '../lab/download.ts';
import { eventually } from '../lab/eventually.ts';
import { addForeignRules, firewalls } from '../lab/firewalls.ts';
import { ABROAD, CLIENT, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { Netns, type Finished } from '../lab/netns.ts';
import { guardianOf, startSnet, stop } from '../lab/snet.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(
  ['root', 'ip', 'curl', 'nft', 'iptables', 'ipset', 'ss-server'],
  'with iptables, SIGKILL',
  () => {
    let before: string;
    const internet = internetForAll(async ({ client, far }, undo) => {
      undo.use(await startServer(far));
      await addForeignRules(client);
      before = await firewalls(client);
    });

    const snet = (mechanism = 'iptables') =>
      startSnet(internet.client, [shareLink(FAR.v4), '--redirect', mechanism]);
    const curl = (address: string): Promise<Finished> =>
      internet.client.run(['curl', '-sS', '--max-time', '1', url(address)]);
    const seenAs = async (address: string) => (await curl(address)).stdout.trim();

    async function expectNextStart(mechanism?: string): Promise<void> {
      await using again = await snet(mechanism);
      expect(await seenAs(ABROAD.v4)).toBe(FAR.v4);
      await stop(again);
      expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
      expect(await firewalls(internet.client)).toBe(before);
    }

    test('of the main process is answered by its guardian', async () => {
      await using run = await snet();
      await using download = await startDownload(internet.client);
      expect(await firewalls(internet.client)).not.toBe(before);
      run.signal('SIGKILL');
      await eventually('a direct way', async () => (await seenAs(ABROAD.v4)) === CLIENT.v4);
      await eventually('no rule of ours', async () => (await firewalls(internet.client)) === before);
      expect(await seenAs(ABROAD.v6)).toBe(CLIENT.v6);
      expect(await download.ended()).not.toBe(0);
      await expectNextStart();
    });

    test('of the guardian is noticed, and nobody is cut off', async () => {
      await using run = await snet();
      process.kill(guardianOf(run), 'SIGKILL');
      await run.says(/guardian/);
      run.signal('SIGTERM');
      await run.ended();
      expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
      expect(await firewalls(internet.client)).toBe(before);
    });

    test('of both leaves rules, which `snet clean` takes out', async () => {
      await killWithGuardian();
      expect(await internet.client.must(Netns.snet(['clean']))).toContain('removed');
      expect(await seenAs(ABROAD.v4)).toBe(CLIENT.v4);
      expect(await firewalls(internet.client)).toBe(before);
      expect(await internet.client.must(Netns.snet(['clean']))).toContain('nothing to remove');
    });

    test.each(['iptables', 'nftables'])('of both is mended by the next start with %s', async (mechanism) => {
      await killWithGuardian();
      await expectNextStart(mechanism);
    });

    /** The one way to leave rules behind: nobody is left to undo them. */
    async function killWithGuardian(): Promise<void> {
      await using run = await snet();
      const guardian = guardianOf(run);
      process.kill(guardian, 'SIGSTOP');
      run.signal('SIGKILL');
      await run.ended();
      process.kill(guardian, 'SIGKILL');
      expect((await curl(ABROAD.v4)).code).not.toBe(0);
    }
  },
);
