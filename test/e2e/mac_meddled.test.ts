/** Others change pf under a running snet, and the network changes: seen with real packets. */
import { beforeEach, expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, CLIENT, FAR } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { replaceMainRuleset, type MacState } from '../lab/mac/mac_state.ts';
import { macForEach, OTHER_DEFAULT_ROUTE } from '../lab/mac/namespace.ts';
import { flush, loadSystemRules, stop } from '../lab/mac/pf_kernel.ts';
import { shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(
  ['root', 'ip', 'nft', 'curl', 'iptables', 'ipset', 'ss-server'],
  'a Mac under a running snet',
  () => {
    const internet = internetForAll(async ({ far }, undo) => {
      undo.use(await startServer(far));
    });
    const mac = macForEach(internet);
    let file: string;
    beforeEach(async () => {
      file = await mac.configure(shareLink(FAR.v4));
    });
    const seenAs = () => Promise.all([mac.seenAs(ABROAD.v4), mac.seenAs(ABROAD.v6)]);
    const seenBecomes = (v4: string, v6: string) =>
      eventually(`origins to see ${v4}`, async () => Bun.deepEquals(await seenAs(), [v4, v6]));

    test.each<[string, (state: MacState) => void]>([
      ['turned off', stop],
      ['robbed of our rules', (state) => void flush(state, 'com.apple/snet', true)],
    ])('%s is put right when the network changes', async (_, meddle) => {
      await using snet = await mac.run(file);
      await mac.change(meddle);
      expect(await seenAs()).toEqual([CLIENT.v4, CLIENT.v6]);
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await snet.says(/warn .*put right what another program had done to pf/);
      expect(await seenAs()).toEqual([FAR.v4, FAR.v6]);
      await mac.stopped(snet);
    });

    test('given another main ruleset goes past us, which is told, until the old one is back', async () => {
      await using snet = await mac.run(file);
      await mac.change((state) => replaceMainRuleset(state));
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await snet.says(/error .*another program has changed pf .*pfctl -f \/etc\/pf\.conf/);
      expect(await seenAs()).toEqual([CLIENT.v4, CLIENT.v6]);
      await mac.change(loadSystemRules);
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await seenBecomes(FAR.v4, FAR.v6);
      await mac.stopped(snet);
    });

    test('whose lo0 is skipped has no connection vanish there', async () => {
      await using snet = await mac.run(file);
      await mac.change(({ pf }) => void pf.skipped.push('lo0'));
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await snet.says(/error .*another program has changed pf/);
      expect(await seenAs()).toEqual([CLIENT.v4, CLIENT.v6]);
      await mac.change(loadSystemRules);
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await seenBecomes(FAR.v4, FAR.v6);
      await mac.stopped(snet);
    });

    test('given another main ruleset gets the old one again, if that is wanted', async () => {
      const reloading = await mac.configure(shareLink(FAR.v4), { redirect: { 'reload-pf-conf': true } });
      await using snet = await mac.run(reloading);
      await mac.change((state) => replaceMainRuleset(state));
      mac.mac.announce(OTHER_DEFAULT_ROUTE);
      await snet.says(/warn .*loading \/etc\/pf\.conf anew, as configured/);
      await seenBecomes(FAR.v4, FAR.v6);
      await mac.stopped(snet);
    });

    test('given another main ruleset and turned off is put right by the watchdog, though nothing else happens', async () => {
      const reloading = await mac.configure(shareLink(FAR.v4), { redirect: { 'reload-pf-conf': true } });
      await using snet = await mac.run(reloading);
      await mac.change((state) => {
        replaceMainRuleset(state);
        stop(state);
      });
      expect(await seenAs()).toEqual([CLIENT.v4, CLIENT.v6]);
      // It looks every 30 s; longer than one who waits is patient.
      await Bun.sleep(25_000);
      await snet.says(/warn .*put right what another program had done to pf/);
      expect(await seenAs()).toEqual([FAR.v4, FAR.v6]);
      await mac.stopped(snet);
    }, 60_000);
  },
);
