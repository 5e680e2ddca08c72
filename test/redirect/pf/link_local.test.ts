/** Resolvers with link-local addresses, that pf can't bring us: refused while the system has others to ask, and no longer. */
import { expect, test } from 'bun:test';
import { canDoWithoutLinkLocal } from '../../../src/app/platform/link_local_resolvers.ts';
import { replaceMainRuleset } from '../../lab/mac/mac_state.ts';
import { failure } from '../failure.ts';
import { at, macForEach, PLAN } from './on_mac.ts';

const on = macForEach();

const general = (...hosts: readonly string[]) => ({ general: hosts.map((host) => at(host, 53)) });

test.each([
  [['fe80::1', '192.168.1.1'], true],
  [['192.168.1.1', 'fe80::1', '2001:db8::1'], true],
  [['fe80::1'], false],
  [['fe80::1', '127.0.0.1'], false],
  // IPv6 may be refused as a whole.
  [['fe80::1', '2001:db8::1'], false],
  [['192.168.1.1', '2001:db8::1'], false],
  [[], false],
] as const)('of %j one can do without: %p', (hosts, can) => {
  expect(canDoWithoutLinkLocal(general(...hosts))).toBe(can);
});

const RESOLVER = at('fe80::1', 53);

test('the rules follow what the system has, and say so once', async () => {
  const { mac } = on();
  const before = mac.held();
  let resolvers = general('fe80::1', '192.168.1.1');
  let asked = 0;
  const pf = on().pf({
    doesWithoutLinkLocal: () => {
      asked++;
      return Promise.resolve(canDoWithoutLinkLocal(resolvers));
    },
  });
  const fate = () => on().fate({ destination: RESOLVER, protocol: 'udp' });
  await pf.apply(PLAN);
  expect(fate()).toBe('blocked');
  await pf.verify();
  await pf.verify();
  expect(on().said).toEqual([expect.stringMatching(/^info: questions to resolvers.* are refused/)]);
  // The other network has no other.
  resolvers = general('fe80::1');
  await pf.verify();
  expect(fate()).toBe('passed');
  expect(on().fate()).toBe('127.0.0.1:1111');
  resolvers = general('fe80::1', '10.0.0.1');
  await on().clock.pass(30_000);
  await pf.update(PLAN);
  expect(fate()).toBe('blocked');
  expect(on().said).toHaveLength(3);
  // While our rules are out, they stay out.
  mac.change((state) => replaceMainRuleset(state));
  resolvers = general('fe80::1');
  await pf.verify();
  await pf.verify();
  expect(mac.state.pf.anchors['com.apple/snet']).toBeUndefined();
  await pf.remove();
  const end = asked;
  await pf.verify();
  expect(asked).toBe(end);
  mac.change((state) => (state.pf.main = (before as typeof state).pf.main));
  expect(mac.held()).toEqual(before);
});

test('what is not ours is not asked about', async () => {
  const pf = on().pf({ doesWithoutLinkLocal: () => Promise.reject(new Error('asked')) });
  expect(await failure(pf.apply({ ...PLAN, dns: undefined }))).toBeUndefined();
  await pf.verify();
  expect(on().fate({ destination: RESOLVER, protocol: 'udp' })).toBe('passed');
  expect(on().said).toEqual([]);
  await pf.remove();
});
