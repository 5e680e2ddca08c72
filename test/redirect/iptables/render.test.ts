import { describe, expect, test } from 'bun:test';
import { chainName, nextSetName, ownerOf, setName } from '../../../src/redirect/iptables/names.ts';
import {
  renderNextSets,
  renderRehearsal,
  renderRules,
  renderSets,
  renderSwap,
} from '../../../src/redirect/iptables/render.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { rangesFrom } from '../../net/ranges_from.ts';

const PLAN: RedirectPlan = {
  port: 1111,
  dns: 1053,
  linkLocalDns: undefined,
  gid: 7777,
  ipv6: true,
  bypass: rangesFrom('10.0.0.0/8', '192.0.2.0/25', '192.0.2.128/26', '2001:db8::/32'),
};
const WITHOUT_IPV6 = { ...PLAN, ipv6: false };
const OWNER = 123;

describe('renderSets()', () => {
  test('makes and fills a set a family', () => {
    expect(renderSets(PLAN, OWNER)).toBe(`\
create snet4-123 hash:net family inet hashsize 1024 maxelem 65536
add snet4-123 10.0.0.0/8
add snet4-123 192.0.2.0/25
add snet4-123 192.0.2.128/26
create snet6-123 hash:net family inet6 hashsize 1024 maxelem 65536
add snet6-123 2001:db8::/32
`);
  });

  test('says nothing of IPv6 where the plan has none', () => {
    expect(renderSets(WITHOUT_IPV6, OWNER)).not.toContain('snet6');
  });

  test('cuts all addresses in two halves: a hash:net holds no block of prefix 0', () => {
    expect(renderSets({ ...PLAN, bypass: rangesFrom('0.0.0.0/0', '::/0') }, OWNER).match(/add .*/g)).toEqual([
      'add snet4-123 0.0.0.0/1',
      'add snet4-123 128.0.0.0/1',
      'add snet6-123 ::/1',
      'add snet6-123 8000::/1',
    ]);
  });

  test('makes room for as many blocks as there are', () => {
    const words = Uint32Array.from({ length: 2 * 70_000 }, (_, i) => (i >> 1) * 2);
    const many = { v4: { family: 4, words }, v6: PLAN.bypass.v6 } as const;
    const [create] = renderSets({ ...PLAN, bypass: many }, OWNER).split('\n');
    expect(create).toBe('create snet4-123 hash:net family inet hashsize 131072 maxelem 70000');
  });
});

test('renderNextSets() fills sets of other names, and renderSwap() puts them in force', () => {
  const next = renderNextSets(PLAN, OWNER);
  expect(next.replaceAll('-next', '')).toBe(renderSets(PLAN, OWNER));
  expect(next).not.toMatch(/-123 /);
  expect(renderSwap(PLAN, OWNER)).toBe(`\
swap snet4-123-next snet4-123
swap snet6-123-next snet6-123
destroy snet4-123-next
destroy snet6-123-next
`);
  expect(renderSwap(WITHOUT_IPV6, OWNER)).not.toContain('snet6');
});

test('renderRules() is one transaction', () => {
  const v4 = renderRules(PLAN, 4, OWNER);
  expect(v4).toBe(`\
*nat
:SNET-123 - [0:0]
-A SNET-123 -m owner --gid-owner 7777 -m comment --comment snet -j RETURN
-A SNET-123 -m addrtype --dst-type LOCAL -m comment --comment snet -j RETURN
-A SNET-123 -p udp -m udp --dport 53 -m comment --comment snet -j REDIRECT --to-ports 1053
-A SNET-123 -p tcp -m tcp --dport 53 -m comment --comment snet -j REDIRECT --to-ports 1053
-A SNET-123 -m set --match-set snet4-123 dst -m comment --comment snet -j RETURN
-A SNET-123 -p tcp -m comment --comment snet -j REDIRECT --to-ports 1111
-I OUTPUT -p tcp -m comment --comment snet -j SNET-123
-I OUTPUT -p udp -m udp --dport 53 -m comment --comment snet -j SNET-123
COMMIT
`);
  const beforeDns = '-A SNET-123 -d fe80::/10 -m comment --comment snet -j RETURN\n-A SNET-123 -p udp';
  expect(renderRules(PLAN, 6, OWNER)).toBe(
    v4.replace('snet4', 'snet6').replace('-A SNET-123 -p udp', beforeDns),
  );
});

test('renderRules() lets DNS be where the plan has none of it', () => {
  const lines = renderRules(PLAN, 4, OWNER).split('\n');
  expect(renderRules({ ...PLAN, dns: undefined }, 4, OWNER).split('\n')).toEqual(
    lines.filter((line) => !line.includes('--dport 53')),
  );
});

test('renderRehearsal() has the same rules but for the set, which is not there yet', () => {
  const withoutSet = renderRules({ ...PLAN, port: 1, dns: 1, gid: 0 }, 4, OWNER).replace(
    /.*--match-set.*\n/,
    '',
  );
  expect(renderRehearsal(OWNER)).toBe(withoutSet);
});

describe('names', () => {
  /** PID_MAX_LIMIT of 64-bit kernels. */
  const LARGEST = 4_194_304;

  test('fit the kernel, whatever the pid', () => {
    expect(chainName(LARGEST).length).toBeLessThanOrEqual(28);
    expect(nextSetName(6, LARGEST).length).toBeLessThanOrEqual(31);
  });

  test('tell whose they are', () => {
    for (const name of [chainName, (pid: number) => setName(4, pid), (pid: number) => nextSetName(6, pid)])
      expect(ownerOf(name(LARGEST))).toBe(LARGEST);
  });

  test.each(['SNET', 'BYPASS_SNET', 'snet', 'snet5-1', 'snet4-', 'snet4-1-next-', 'xsnet4-1', 'SNET-1x', ''])(
    'are not %j',
    (name) => expect(ownerOf(name)).toBeUndefined(),
  );
});
