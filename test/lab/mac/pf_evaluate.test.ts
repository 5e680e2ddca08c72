/** What the rules of the reference, and some others, make of a packet. */
import { describe, expect, test } from 'bun:test';
import { formatEndpoint, parseAddress, type Endpoint } from '../../../src/net/address.ts';
import { evaluate, tablesOf, type Loaded, type Packet, type Surroundings } from './pf_evaluate.ts';
import { UNKNOWN_ID } from './pf_parts.ts';
import { readRuleset } from './pf_reader.ts';

const OURS = `\
table <bypass> { 127.0.0.0/8 10.0.0.0/8 !10.9.9.9 ::1 fd00::/8 }
no rdr on lo0 inet  proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet6 proto { tcp udp } from any to ::1
rdr pass on lo0 inet  proto udp from any to any port 53 -> 127.0.0.1 port 5300
rdr pass on lo0 inet6 proto udp from any to any port 53 -> ::1 port 5300
no rdr on lo0 inet  proto tcp from any to <bypass>
no rdr on lo0 inet6 proto tcp from any to <bypass>
rdr pass on lo0 inet  proto tcp from any to any -> 127.0.0.1 port 1111
rdr pass on lo0 inet6 proto tcp from any to any -> ::1 port 1111
pass out quick proto { tcp udp } from any to any group 4242
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet  proto udp from any to any port 53 keep state
pass out quick on ! lo0 route-to (lo0 ::1)       inet6 proto udp from any to any port 53 keep state
pass out quick proto tcp from any to <bypass> flags any no state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet  proto tcp from any to any flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 ::1)       inet6 proto tcp from any to any flags S/SA keep state
`;
const STOCK = 'nat-anchor "com.apple/*"\nrdr-anchor "com.apple/*"\nanchor "com.apple/*"\n';

const at = (host: string, port: number): Endpoint => ({ address: parseAddress(host)!, port });
const packet = (host: string, port: number, more: Partial<Packet> = {}): Packet => ({
  protocol: 'tcp',
  source: at(host.includes(':') ? 'fd00:7::2' : '192.168.7.2', 50000),
  destination: at(host, port),
  interface: 'en0',
  user: 501,
  group: 20,
  ...more,
});
const loaded = (text: string): Loaded => {
  const ruleset = readRuleset(text, { tables: ['outer'], known: { interfaces: ['lo0', 'en0'] } });
  return { ruleset, tables: tablesOf(ruleset) };
};
/** In a few words. */
function fate(text: string, one: Packet, surroundings: Surroundings = {}): string {
  const { ruleset, tables } = loaded(text);
  const found = evaluate(ruleset, tables, one, surroundings);
  if (found.what === 'redirected') return formatEndpoint(found.to);
  if (found.what === 'blocked') return `blocked: ${found.answer}`;
  return found.what === 'passed' ? `passed, ${found.state}` : found.what;
}

describe('the rules of the reference', () => {
  test.each([
    ['a connection abroad', packet('193.0.6.139', 443), '127.0.0.1:1111'],
    ['over IPv6', packet('2001:db8::1', 443), '[::1]:1111'],
    ['through a VPN', packet('193.0.6.139', 443, { interface: 'utun4' }), '127.0.0.1:1111'],
    ['a question of DNS, to the LAN too', packet('10.0.0.1', 53, { protocol: 'udp' }), '127.0.0.1:5300'],
    ['one over IPv6', packet('fd00::1', 53, { protocol: 'udp' }), '[::1]:5300'],
    ['what is to be bypassed', packet('10.0.0.1', 443), 'passed, none'],
    ['but for what is not', packet('10.9.9.9', 443), '127.0.0.1:1111'],
    ['our own', packet('193.0.6.139', 443, { group: 4242 }), 'passed, keep'],
    ['our own question', packet('10.0.0.1', 53, { protocol: 'udp', group: 4242 }), 'passed, keep'],
    ['other datagrams', packet('193.0.6.139', 443, { protocol: 'udp' }), 'passed, none'],
    ['what is on lo0 anyway', packet('192.168.7.2', 80, { interface: 'lo0' }), 'passed, none'],
  ])('%s', (_, one, expected) => {
    expect(fate(OURS, one)).toBe(expected);
    const anchors = new Map([['com.apple/ours', loaded(OURS)]]);
    expect(fate(STOCK, one, { anchors })).toBe(expected);
  });

  const one = packet('193.0.6.139', 443);
  test('are dead in an anchor that nothing leads to', () => {
    for (const path of ['ours', 'com.apple', 'com.apple/deep/ours', 'com.applet/ours'])
      expect(fate(STOCK, one, { anchors: new Map([[path, loaded(OURS)]]) })).toBe('passed, none');
    const anchors = new Map([['com.apple/ours', loaded(OURS)]]);
    expect(fate('pass all no state\n', one, { anchors })).toBe('passed, none');
    expect(fate('anchor "com.apple/*"\n', one, { anchors })).toBe('lost');
    expect(fate('rdr-anchor "com.apple/*"\n', one, { anchors })).toBe('passed, none');
  });

  test('catch nothing where lo0 is skipped', () => {
    expect(fate(OURS, one, { skip: ['lo0'] })).toBe('lost');
    expect(fate(OURS, one, { skip: ['en0'] })).toBe('passed, none');
  });
});

describe('pf', () => {
  const web = packet('193.0.6.139', 443);
  test.each([
    ['passes what no rule is about', 'block in all\n', 'passed, none'],
    ['lets the last rule decide', 'block out all\npass out all\n', 'passed, keep'],
    ['or the first that is quick', 'block out quick all\npass out all\n', 'blocked: drop'],
    ['blocks as the policy says', 'set block-policy return\nblock out all\n', 'blocked: return'],
    ['or as the rule does', 'set block-policy return\nblock drop out all\n', 'blocked: drop'],
    [
      'takes the first translation',
      'rdr on lo0 proto tcp all -> 127.0.0.1 port 1\nrdr on lo0 proto tcp all -> 127.0.0.1 port 2\npass out on en0 route-to lo0 all\n',
      '127.0.0.1:1',
    ],
    [
      'none behind a no',
      'no rdr on lo0 proto tcp to 193.0.0.0/8\nrdr on lo0 proto tcp all -> 127.0.0.1 port 2\npass out on en0 route-to lo0 all\n',
      'lost',
    ],
    [
      'keeps the port if no other is said',
      'rdr on lo0 inet proto tcp all -> 127.0.0.1\npass out on en0 route-to lo0 all\n',
      '127.0.0.1:443',
    ],
    [
      'filters what was translated without pass',
      'rdr on lo0 proto tcp all -> 127.0.0.1 port 1\npass out on en0 route-to lo0 all\nblock in on lo0 proto tcp to 127.0.0.1 port 1\n',
      'blocked: drop',
    ],
    [
      'but not what was with it',
      'rdr pass on lo0 proto tcp all -> 127.0.0.1 port 1\npass out on en0 route-to lo0 all\nblock in all\n',
      '127.0.0.1:1',
    ],
    [
      'translates only on lo0',
      'rdr on ! lo0 proto tcp all -> 127.0.0.1 port 1\npass out on en0 route-to lo0 all\n',
      'lost',
    ],
    ['goes by users', 'block out proto tcp all user { 500 >< 502 }\n', 'blocked: drop'],
    ['and by groups that are not', 'block out proto tcp all group != 20\n', 'passed, none'],
    ['by ranges of ports', 'block out proto tcp to any port 400:443\n', 'blocked: drop'],
    ['by what is outside of them', 'block out proto tcp to any port 400 <> 500\n', 'passed, none'],
    ['by what is not a network', 'block out to ! 193.0.0.0/8\n', 'passed, none'],
    [
      'by flags',
      'block out proto tcp all flags A/A\nblock out quick proto tcp all flags /R no state\n',
      'blocked: drop',
    ],
  ])('%s', (_, text, expected) => {
    expect(fate(text, web)).toBe(expected);
  });

  test('goes through anchors by name, and quick ends all', () => {
    const anchors = (ours: string, others: string) =>
      new Map([
        ['com.apple/ours', loaded(ours)],
        ['com.apple/200.AirDrop', loaded(others)],
      ]);
    const both = (ours: string, others: string) => fate(STOCK, web, { anchors: anchors(ours, others) });
    expect(both('pass out all\n', 'block out all\n')).toBe('passed, keep');
    expect(both('pass out all\n', 'block out quick all\n')).toBe('blocked: drop');
    expect(
      fate('block out quick all\nanchor "com.apple/*"\n', web, {
        anchors: anchors('pass out quick all\n', ''),
      }),
    ).toBe('blocked: drop');
  });

  test('takes what is passed on for others for nobody’s', () => {
    const forwarded = { ...web, user: UNKNOWN_ID, group: UNKNOWN_ID };
    expect(fate('block out proto tcp all user >= 0\n', web)).toBe('blocked: drop');
    expect(fate('block out proto tcp all user >= 0\n', forwarded)).toBe('passed, none');
    expect(fate('block out proto tcp all group unknown\n', forwarded)).toBe('blocked: drop');
    expect(fate('block out proto tcp all user != 0\n', forwarded)).toBe('blocked: drop');
  });

  test('finds tables of the main ruleset from an anchor', () => {
    const anchors = new Map([['x', loaded('block out to <outer>\n')]]);
    expect(fate('table <outer> { 193.0.0.0/8 }\nanchor "x"\n', web, { anchors })).toBe('blocked: drop');
    expect(fate('anchor "x"\n', web, { anchors })).toBe('passed, none');
  });
});
