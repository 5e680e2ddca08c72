/** A Mac whose router is a resolver by a link-local address too, end to end: who asks that is sent on to the other one. */
import { expect, test } from 'bun:test';
import { eventually } from '../lab/eventually.ts';
import { GATEWAY } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { macForEach, OTHER_DEFAULT_ROUTE } from '../lab/mac/namespace.ts';
import { fateOf } from '../lab/mac/pf_kernel.ts';
import { connecting, endpoint } from '../lab/mac/pf_stage.ts';
import { configure } from '../lab/two_sides.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['root', 'ip', 'nft', 'curl', 'iptables', 'ipset'], 'a link-local resolver of a Mac', () => {
  const mac = macForEach(internetForAll());
  const fate = () => fateOf(mac.mac.state, connecting(endpoint('fe80::1', 53), { protocol: 'udp' })).what;

  test('is refused while scutil names another, and only then', async () => {
    await mac.remake((state) => void (state.nameservers = ['fe80::1%en0', GATEWAY.v4]));
    await using snet = await mac.run(await configure(mac.folder.path));
    await snet.says(/ info  questions to resolvers with link-local addresses.* are refused/);
    expect(fate()).toBe('blocked');
    await snet.says(/ ready /);
    expect(snet.said()).not.toContain('can not be caught');
    await mac.change((state) => void (state.nameservers = ['fe80::1%en0']));
    mac.mac.announce(OTHER_DEFAULT_ROUTE);
    await eventually('the only resolver to be let be', () => fate() === 'passed');
    await mac.change((state) => void (state.nameservers = ['fe80::1%en0', GATEWAY.v4]));
    await mac.stopped(snet);
  });
});
