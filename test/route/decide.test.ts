import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../src/net/address.ts';
import { contains, NO_RANGES, type DualRanges } from '../../src/net/ranges.ts';
import { decide, kernelBypass, type RoutePolicy } from '../../src/route/decide.ts';
import { specialRanges } from '../../src/route/special.ts';
import { rangesFrom } from '../net/ranges_from.ts';
import { dualRanges, values } from './arbitraries.ts';
import { fromBigInt, rangesOfSet, slowlyContains, toBigInt } from './slow_ranges.ts';

const policy: RoutePolicy = {
  scope: 'bypass-cn',
  special: specialRanges(),
  cn: rangesFrom('114.114.0.0/16', '240e::/20'),
  bypass: rangesFrom('93.184.216.34', '2606:2800::/32', '114.114.114.0/24', '10.1.0.0/16'),
};

describe('one destination', () => {
  test.each([
    ['8.8.8.8', 'bypass-cn', 'upstream', 'default'],
    ['2606:4700::1', 'bypass-cn', 'upstream', 'default'],
    ['114.114.1.1', 'bypass-cn', 'direct', 'cn'],
    ['240e::1', 'bypass-cn', 'direct', 'cn'],
    ['114.114.1.1', 'global', 'upstream', 'default'],
    ['240e::1', 'global', 'upstream', 'default'],
    ['192.168.1.1', 'bypass-cn', 'direct', 'private'],
    ['fe80::1', 'global', 'direct', 'private'],
    ['93.184.216.34', 'global', 'direct', 'bypass'],
    ['2606:2800::1', 'bypass-cn', 'direct', 'bypass'],
    // What the user has listed is named as such, whatever else it is.
    ['114.114.114.114', 'bypass-cn', 'direct', 'bypass'],
    ['10.1.2.3', 'bypass-cn', 'direct', 'bypass'],
    // Behind NAT64, by the IPv4 address within.
    ['64:ff9b::8.8.8.8', 'bypass-cn', 'upstream', 'default'],
    ['64:ff9b::114.114.1.1', 'bypass-cn', 'direct', 'cn'],
    ['64:ff9b::114.114.1.1', 'global', 'upstream', 'default'],
    ['64:ff9b::93.184.216.34', 'global', 'direct', 'bypass'],
  ] as const)('%s, scope %s: %s, %s', (text, scope, where, why) => {
    expect(decide({ ...policy, scope }, parseAddress(text)!)).toEqual({ where, why });
  });
});

const policies = fc.record({
  scope: fc.constantFrom('bypass-cn' as const, 'global' as const),
  special: dualRanges(),
  cn: dualRanges(),
  bypass: dualRanges(),
});

test('the kernel and decide agree on every address that is not behind NAT64, and with a linear scan', () => {
  const addresses = fc.oneof(
    values(4).map((value) => fromBigInt(4, value)!),
    values(6).map((value) => fromBigInt(6, value)!),
  );
  fc.assert(
    fc.property(policies, addresses, (policy, address) => {
      const family = address.family === 4 ? 'v4' : 'v6';
      const isIn = (ranges: DualRanges) => slowlyContains(rangesOfSet(ranges[family]), toBigInt(address));
      const expected =
        isIn(policy.bypass) || isIn(policy.special) || (policy.scope === 'bypass-cn' && isIn(policy.cn));
      expect(decide(policy, address).where).toBe(expected ? 'direct' : 'upstream');
      expect(contains(kernelBypass(policy)[family], address)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test('nothing is bypassed where nothing is listed', () => {
  const empty = { special: NO_RANGES, cn: NO_RANGES, bypass: NO_RANGES };
  expect(kernelBypass({ scope: 'bypass-cn', ...empty })).toEqual(NO_RANGES);
});
