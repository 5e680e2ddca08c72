import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatAddress, formatEndpoint, parseAddress, type Endpoint } from '../../../src/net/address.ts';
import { ANCHOR, BYPASS_TABLE, OWN_TABLE, pfFiles } from '../../../src/redirect/pf/names.ts';
import {
  canRefuseLinkLocalDns,
  renderBypass,
  renderOwn,
  renderRuleset,
  type Ipv6Treatment,
} from '../../../src/redirect/pf/render.ts';
import { evaluate, tablesOf, type Packet } from '../../lab/mac/pf_evaluate.ts';
import { readRuleset } from '../../lab/mac/pf_reader.ts';
import { rangesFrom } from '../../net/ranges_from.ts';

const FILES = pfFiles();
const PLAN = { port: 1111, dns: 1053, gid: 7777 };
const WITHOUT_DNS = { ...PLAN, dns: undefined };

const TABLES = `\
table <snet_own> persist file "/var/run/snet/pf-own.txt"
table <snet_bypass> persist file "/var/run/snet/pf-bypass.txt"
`;

/** Every option: what of DNS, what of IPv6. */
const GOLDEN: readonly (readonly [Ipv6Treatment, typeof PLAN | typeof WITHOUT_DNS, string])[] = [
  [
    'redirect',
    PLAN,
    `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
rdr pass on lo0 inet proto udp from any to any port 53 -> 127.0.0.1 port 1053
rdr pass on lo0 inet proto tcp from any to any port 53 -> 127.0.0.1 port 1053
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
no rdr on lo0 inet6 proto { tcp udp } from any to ::1
no rdr on lo0 inet6 proto { tcp udp } from any to <snet_own>
rdr pass on lo0 inet6 proto udp from any to any port 53 -> ::1 port 1053
rdr pass on lo0 inet6 proto tcp from any to any port 53 -> ::1 port 1053
no rdr on lo0 inet6 proto tcp from any to <snet_bypass>
rdr pass on lo0 inet6 proto tcp from any to any -> ::1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto udp from any to any port 53 user >= 0 keep state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to any port 53 user >= 0 flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 ::1) inet6 proto udp from any to ! fe80::/10 port 53 user >= 0 keep state
pass out quick on ! lo0 route-to (lo0 ::1) inet6 proto tcp from any to ! fe80::/10 port 53 user >= 0 flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 ::1) inet6 proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
`,
  ],
  [
    'redirect',
    WITHOUT_DNS,
    `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
no rdr on lo0 inet6 proto { tcp udp } from any to ::1
no rdr on lo0 inet6 proto { tcp udp } from any to <snet_own>
no rdr on lo0 inet6 proto tcp from any to <snet_bypass>
rdr pass on lo0 inet6 proto tcp from any to any -> ::1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 ::1) inet6 proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
`,
  ],
  [
    'block',
    PLAN,
    `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
rdr pass on lo0 inet proto udp from any to any port 53 -> 127.0.0.1 port 1053
rdr pass on lo0 inet proto tcp from any to any port 53 -> 127.0.0.1 port 1053
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto udp from any to any port 53 user >= 0 keep state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to any port 53 user >= 0 flags S/SA keep state
block return out quick on ! lo0 inet6 proto udp from any to ! fe80::/10 port 53 user >= 0
block return out quick on ! lo0 inet6 proto tcp from any to ! fe80::/10 port 53 user >= 0 flags S/SA
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
block return out quick on ! lo0 inet6 proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA
`,
  ],
  [
    'block',
    WITHOUT_DNS,
    `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
block return out quick on ! lo0 inet6 proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA
`,
  ],
  ...(['direct', 'none'] as const).flatMap((ipv6) => [
    [
      ipv6,
      PLAN,
      `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
rdr pass on lo0 inet proto udp from any to any port 53 -> 127.0.0.1 port 1053
rdr pass on lo0 inet proto tcp from any to any port 53 -> 127.0.0.1 port 1053
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto udp from any to any port 53 user >= 0 keep state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to any port 53 user >= 0 flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
`,
    ] as const,
    [
      ipv6,
      WITHOUT_DNS,
      `\
no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
no rdr on lo0 inet proto tcp from any to <snet_bypass>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
pass out quick proto { tcp udp } from any to any group 7777
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
`,
    ] as const,
  ]),
];

const readFile = () => '';

describe('renderRuleset()', () => {
  test.each([...GOLDEN])('with IPv6 %s and %j', (ipv6, plan, rules) => {
    const text = renderRuleset(plan, ipv6, FILES);
    expect(text).toBe(TABLES + rules);
    // pfctl takes it: all of it, or nothing.
    const read = readRuleset(text, { readFile });
    expect(read.translation.length + read.filter.length).toBe(rules.trimEnd().split('\n').length);
  });

  test('has every port and group that a plan can have', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const plans = fc.record({
      port,
      dns: fc.option(port, { nil: undefined }),
      gid: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
    });
    fc.assert(
      fc.property(plans, fc.constantFrom('redirect', 'block', 'direct', 'none'), (plan, ipv6) => {
        const { filter, translation } = readRuleset(renderRuleset(plan, ipv6, FILES), { readFile });
        const targets = translation.flatMap((rule) =>
          'target' in rule && rule.target ? [rule.target.port] : [],
        );
        expect(new Set(targets)).toEqual(new Set([plan.port, ...(plan.dns === undefined ? [] : [plan.dns])]));
        const groups = filter.flatMap((rule) => ('groups' in rule ? rule.groups : []));
        expect(groups).toEqual([{ operator: '=', low: plan.gid, high: plan.gid }]);
      }),
    );
  });
});

describe('what the rules make of a packet', () => {
  const at = (host: string, port: number): Endpoint => ({ address: parseAddress(host)!, port });
  const OWN = ['192.168.1.5', '8.8.4.4', '2a00::5'].map((text) => parseAddress(text)!);
  const CAUGHT = ['192.0.2.254', '2001:db8::254'].map((text) => parseAddress(text)!);
  const BYPASS = rangesFrom(
    '192.168.0.0/16',
    '192.0.2.0/24',
    '1.2.4.0/24',
    'fe80::/10',
    '2001:db8::/32',
    '2400::/12',
  );

  function fate(
    ipv6: Ipv6Treatment,
    plan: typeof PLAN | typeof WITHOUT_DNS,
    given: Partial<Packet>,
    refusesLinkLocalDns?: boolean,
  ): string {
    const contents: Record<string, string> = {
      [FILES.own]: renderOwn(OWN),
      [FILES.bypass]: renderBypass(BYPASS, ipv6, CAUGHT),
    };
    const ruleset = readRuleset(renderRuleset(plan, ipv6, FILES, refusesLinkLocalDns), {
      readFile: (path) => contents[path]!,
    });
    const destination = given.destination!;
    const found = evaluate(ruleset, tablesOf(ruleset), {
      protocol: 'tcp',
      source: at(destination.address.family === 4 ? '192.168.1.5' : '2a00::5', 50_000),
      destination,
      interface: 'en0',
      user: 501,
      group: 20,
      ...given,
    });
    if (found.what === 'redirected') return formatEndpoint(found.to);
    return found.what === 'blocked' ? `blocked: ${found.answer}` : found.what;
  }

  const V4 = at('93.184.216.34', 443);
  const V6 = at('2606:2800::1', 443);
  const udp = { protocol: 'udp' } as const;

  test.each(['redirect', 'block', 'direct', 'none'] as const)('over IPv4, with IPv6 %s', (ipv6) => {
    const of = (given: Partial<Packet>, plan: typeof PLAN | typeof WITHOUT_DNS = PLAN) =>
      fate(ipv6, plan, given);
    expect(of({ destination: V4 })).toBe('127.0.0.1:1111');
    expect(of({ destination: V4, interface: 'utun4' })).toBe('127.0.0.1:1111');
    expect(of({ destination: V4, group: 7777 })).toBe('passed');
    expect(of({ destination: V4, ...udp })).toBe('passed');
    expect(of({ destination: at('1.2.4.8', 443) })).toBe('passed');
    // Bypassed as a net, but for the place where we prove that the rules work.
    expect(of({ destination: at('192.0.2.1', 9) })).toBe('passed');
    expect(of({ destination: at('192.0.2.254', 9) })).toBe('127.0.0.1:1111');
    // The router's resolver, in a bypassed net; and ours.
    const question = at('192.168.1.1', 53);
    expect(of({ destination: question, ...udp })).toBe('127.0.0.1:1053');
    expect(of({ destination: question })).toBe('127.0.0.1:1053');
    expect(of({ destination: question, ...udp, group: 7777 })).toBe('passed');
    expect(of({ destination: question, ...udp }, WITHOUT_DNS)).toBe('passed');
    expect(of({ destination: question }, WITHOUT_DNS)).toBe('passed');
    // Nothing that is on its way over lo0 to ourselves is redirected there; the reader loses it for want of a listener.
    expect(of({ destination: at('8.8.4.4', 443) })).toBe('lost');
    expect(of({ destination: at('8.8.4.4', 53), ...udp })).toBe('lost');
    expect(of({ destination: at('127.0.0.1', 443) })).toBe('lost');
  });

  test.each([
    ['redirect', '[::1]'],
    ['block', undefined],
    ['direct', undefined],
    ['none', undefined],
  ] as const)('over IPv6 with %s', (ipv6, listener) => {
    const otherwise = ipv6 === 'block' ? 'blocked: return' : 'passed';
    const of = (given: Partial<Packet>, plan: typeof PLAN | typeof WITHOUT_DNS = PLAN) =>
      fate(ipv6, plan, given);
    expect(of({ destination: V6 })).toBe(listener ? `${listener}:1111` : otherwise);
    expect(of({ destination: V6, group: 7777 })).toBe('passed');
    expect(of({ destination: V6, interface: 'lo0' })).toBe('passed');
    // QUIC and the like.
    expect(of({ destination: V6, ...udp })).toBe('passed');
    const question = at('2606:4700:4700::1111', 53);
    expect(of({ destination: question, ...udp })).toBe(listener ? `${listener}:1053` : otherwise);
    expect(of({ destination: question })).toBe(listener ? `${listener}:1053` : otherwise);
    expect(of({ destination: question, ...udp, group: 7777 })).toBe('passed');
    expect(of({ destination: question, ...udp }, WITHOUT_DNS)).toBe('passed');
    expect(of({ destination: at('fe80::1', 53), ...udp })).toBe('passed');
    expect(of({ destination: at('fe80::1', 53) })).toBe('passed');
    const asking = (more: Partial<Packet> = {}) =>
      fate(ipv6, PLAN, { destination: at('fe80::1', 53), ...more }, true);
    expect([asking(), asking(udp)]).toEqual(['blocked: return', 'blocked: return']);
    expect(asking({ group: 7777 })).toBe('passed');
    expect(asking({ destination: at('fe80::1', 80) })).toBe('passed');
    if (ipv6 === 'none') return;
    expect(of({ destination: at('2400::1', 443) })).toBe('passed');
    expect(of({ destination: at('2001:db8::254', 9) })).toBe(listener ? `${listener}:1111` : otherwise);
    if (listener) expect(of({ destination: at('2a00::5', 443) })).toBe('lost');
  });
});

test('what is asked of link-local resolvers can be refused, where names are ours and IPv6 is not left alone', () => {
  const [block] = renderRuleset(PLAN, 'redirect', FILES, true).match(/(?:^block .*\n)+/m)!;
  expect(block).toBe(`\
block return out quick on ! lo0 inet6 proto udp from any to fe80::/10 port 53 user >= 0
block return out quick on ! lo0 inet6 proto tcp from any to fe80::/10 port 53 user >= 0 flags S/SA
`);
  readRuleset(renderRuleset(PLAN, 'block', FILES, true), { readFile });
  expect(canRefuseLinkLocalDns(PLAN, 'redirect')).toBe(true);
  expect(canRefuseLinkLocalDns(PLAN, 'block')).toBe(true);
  expect(canRefuseLinkLocalDns(PLAN, 'direct')).toBe(false);
  expect(canRefuseLinkLocalDns(PLAN, 'none')).toBe(false);
  expect(canRefuseLinkLocalDns(WITHOUT_DNS, 'redirect')).toBe(false);
});

describe('tables', () => {
  const V4_ONLY = '10.0.0.0/8\n192.0.2.0/24\n!192.0.2.254\n!2001:db8::254\n';
  const bypass = rangesFrom('10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32');
  const caught = ['192.0.2.254', '2001:db8::254'].map((text) => parseAddress(text)!);

  test('hold the ranges, less what must be caught in them', () => {
    expect(renderBypass(bypass, 'redirect', caught)).toBe(V4_ONLY.replace('!192', '2001:db8::/32\n!192'));
  });

  test('hold nothing of IPv6 where there is none', () => {
    expect(renderBypass(bypass, 'none', caught.slice(0, 1))).toBe(V4_ONLY.replace('!2001:db8::254\n', ''));
  });

  test('may be empty', () => {
    expect(renderBypass(rangesFrom(), 'redirect', [])).toBe('');
    expect(renderOwn([])).toBe('');
  });

  test('are what pfctl reads', () => {
    const own = ['192.168.1.5', '2a00::1'].map((text) => parseAddress(text)!);
    const contents: Record<string, string> = {
      [FILES.own]: renderOwn(own),
      [FILES.bypass]: renderBypass(bypass, 'redirect', caught),
    };
    const { tables } = readRuleset(renderRuleset(PLAN, 'redirect', FILES), {
      readFile: (path) => contents[path]!,
    });
    const entries = (name: string) =>
      tables
        .get(name)!
        .entries.map(
          ({ negated, cidr }) => `${negated ? '!' : ''}${formatAddress(cidr.address)}/${cidr.prefix}`,
        );
    expect(entries(OWN_TABLE)).toEqual(['192.168.1.5/32', '2a00::1/128']);
    expect(entries(BYPASS_TABLE)).toEqual([
      '10.0.0.0/8',
      '192.0.2.0/24',
      '2001:db8::/32',
      '!192.0.2.254/32',
      '!2001:db8::254/128',
    ]);
  });
});

describe('names', () => {
  test('fit the kernel', () => {
    for (const table of [BYPASS_TABLE, OWN_TABLE]) expect(table.length).toBeLessThan(32);
  });

  test('are one level below com.apple, and none that xnu takes for its own', () => {
    expect(ANCHOR).toMatch(/^com\.apple\/[^/]+$/);
    expect(ANCHOR).not.toMatch(
      /^com\.apple\/(?:200\.AirDrop|250\.ApplicationFirewall)|^com\.apple\.internet-sharing/,
    );
  });
});
