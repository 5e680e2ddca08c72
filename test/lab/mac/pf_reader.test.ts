/** The reader takes what pfctl takes, and refuses with pfctl's words what pfctl refuses. */
import { describe, expect, test } from 'bun:test';
import { formatCidr } from '../../../src/net/cidr.ts';
import { STOCK_PF_CONF } from './mac_state.ts';
import { readRuleset, type ReadOptions } from './pf_reader.ts';
import { PfError } from './pf_tokens.ts';

/** The reference's ruleset for a Mac's own traffic, as a pfctl of 2008 has taken it. */
const RECOMMENDED = `\
table <snet_bypass> persist file "/bypass"
no rdr on lo0 inet  proto { tcp udp } from any to 127.0.0.0/8
no rdr on lo0 inet6 proto { tcp udp } from any to ::1
rdr pass on lo0 inet  proto udp from any to any port 53 -> 127.0.0.1 port 5300
rdr pass on lo0 inet6 proto udp from any to any port 53 -> ::1 port 5300
no rdr on lo0 inet  proto tcp from any to <snet_bypass>
no rdr on lo0 inet6 proto tcp from any to <snet_bypass>
rdr pass on lo0 inet  proto tcp from any to any -> 127.0.0.1 port 1111
rdr pass on lo0 inet6 proto tcp from any to any -> ::1 port 1111
pass out quick proto { tcp udp } from any to any group 4242
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet  proto udp from any to any port 53 keep state
pass out quick on ! lo0 route-to (lo0 ::1)       inet6 proto udp from any to any port 53 keep state
pass out quick proto tcp from any to <snet_bypass> flags any no state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet  proto tcp from any to any flags S/SA keep state
pass out quick on ! lo0 route-to (lo0 ::1)       inet6 proto tcp from any to any flags S/SA keep state
`;

/** mitmproxy's documentation, "Work-around to redirect traffic originating from the machine itself". */
const MITMPROXY = `\
#The ports to redirect to proxy
redir_ports = "{http, https}"

#The address the transparent proxy is listening on
tproxy = "127.0.0.1 port 8080"

#The user the transparent proxy is running as
tproxy_user = "nobody"

#The users whose connection must be redirected.
users = "{ !=" $tproxy_user "}"

rdr pass proto tcp from any to any port $redir_ports -> $tproxy
pass out route-to (lo0 127.0.0.1) proto tcp from any to any port $redir_ports user $users
`;

/** What sshuttle's methods/pf.py writes on Darwin. */
const SSHUTTLE = `\
table <dns_servers> {192.168.1.1}
rdr pass on lo0 inet proto tcp from ! 127.0.0.1 to 1.2.3.0/24 -> 127.0.0.1 port 12300
rdr pass on lo0 inet proto udp to <dns_servers> port 53 -> 127.0.0.1 port 12301
pass out inet proto tcp to 1.2.3.66/32
pass out route-to lo0 inet proto tcp to 1.2.3.0/24 keep state
pass out route-to lo0 inet proto udp to <dns_servers> port 53 keep state
`;

const FILES: Readonly<Record<string, string>> = {
  '/bypass': '# China\n10.0.0.0/8\n!10.1.0.0/16 192.168.0.0/16 ; and more\nfd00::/8\n',
  '/bad': '10.0.0.0/8\n10.0.0.0/33\n',
  '/name': 'example.com\n',
  '/host-bits': '10.0.0.1/8\n',
};
const OPTIONS: ReadOptions = {
  file: 'F',
  readFile(path) {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error(), { code: 'ENOENT' });
    return text;
  },
};

function refusal(text: string, options: ReadOptions = OPTIONS): string {
  try {
    readRuleset(text, options);
  } catch (error) {
    expect(error).toBeInstanceOf(PfError);
    return (error as PfError).message;
  }
  throw new Error(`taken:\n${text}`);
}

describe('the reader takes', () => {
  test('the ruleset of the reference', () => {
    const { tables, translation, filter } = readRuleset(RECOMMENDED, OPTIONS);
    const entries = tables.get('snet_bypass')!.entries;
    expect(entries.map(({ negated, cidr }) => (negated ? '!' : '') + formatCidr(cidr))).toEqual([
      '10.0.0.0/8',
      '!10.1.0.0/16',
      '192.168.0.0/16',
      'fd00::/8',
    ]);
    expect(translation.map((rule) => rule.kind === 'rdr' && rule.no)).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    expect(filter).toHaveLength(6);
    expect(filter[0]).toMatchObject({
      action: 'pass',
      direction: 'out',
      quick: true,
      protocols: [6, 17],
      groups: [{ operator: '=', low: 4242, high: 4242 }],
      flags: { set: 'S', of: 'SA' },
      state: 'keep',
    });
    expect(filter[3]).toMatchObject({ line: 13, flags: undefined, state: 'none' });
    expect(filter[5]).toMatchObject({
      interfaces: [{ name: 'lo0', negated: true }],
      route: { kind: 'route-to', interface: 'lo0' },
      family: 6,
    });
  });

  test("macOS's own", () => {
    const { filter, translation, loads } = readRuleset(STOCK_PF_CONF, OPTIONS);
    expect(filter).toMatchObject([{ kind: 'anchor', of: 'filter', name: 'com.apple/*' }]);
    expect(translation).toMatchObject([{ of: 'nat' }, { of: 'rdr' }]);
    expect(loads).toEqual([{ anchor: 'com.apple', file: '/etc/pf.anchors/com.apple' }]);
    expect(readRuleset('anchor "200.AirDrop/*"\nanchor "250.ApplicationFirewall/*"\n').filter).toHaveLength(
      2,
    );
  });

  test("mitmproxy's, where its names are known", () => {
    const known = { services: { http: 80, https: 443 }, users: { nobody: 4294967294 } };
    const { filter, translation } = readRuleset(MITMPROXY, { known });
    expect(translation[0]).toMatchObject({
      to: { ports: [{ low: 80 }, { low: 443 }] },
      target: { port: 8080 },
    });
    expect(filter[0]).toMatchObject({ users: [{ operator: '!=', low: 4294967294 }], line: 14 });
    expect(refusal(MITMPROXY)).toBe('F:13: unknown port http');
  });

  test("sshuttle's", () => {
    const { filter, translation } = readRuleset(SSHUTTLE, OPTIONS);
    expect(translation[0]).toMatchObject({ from: { hosts: [{ negated: true }] } });
    expect(filter[1]).toMatchObject({ route: { interface: 'lo0', address: undefined } });
  });

  test.each([
    'set skip on lo0\nset block-policy return\nset limit states 10000\n',
    'scrub in all fragment reassemble\nno scrub in on lo0 all\n',
    'block return out quick proto udp from any to any port 443\n',
    'block return-rst out quick inet6 proto tcp from any to any\nblock return-icmp6(admin-unr) out quick inet6 all\n',
    'pass out proto tcp from any to { 10/8, 192.0.2.1 ! 192.0.2.2 } port { 80 443, 8000:8080 >= 9000 }\n',
    'pass out proto tcp all user { 0 501 } group != 20 flags S/SAFR modulate state label "x"\n',
    'pass out proto tcp \\\n  from any \\\n  to any\n',
    'pass out proto tcp to {\n  10.0.0.1\n  10.0.0.2\n}\n',
    'pass log (all, to pflog0) all\npass quick log all\n',
    '',
    'pass all\ndummynet-anchor "x"\npass all\n',
    '# nothing\n\n   \n',
    '# no newline behind a comment',
  ])('%j', (text) => {
    readRuleset(text, OPTIONS);
  });
});

describe('the reader refuses', () => {
  const PASS = 'pass out proto tcp all';
  test.each([
    ['a last line that does not end', PASS, 'F:1: syntax error'],
    [
      'translation behind filtering',
      `${PASS}\nrdr on lo0 proto tcp all -> 127.0.0.1\n`,
      'F:2: Rules must be in order: options, normalization, queueing, translation, filtering',
    ],
    [
      'an anchor of translation behind filtering',
      `${PASS}\nrdr-anchor "x"\n`,
      'F:2: Rules must be in order: options, normalization, queueing, translation, filtering',
    ],
    [
      'an option behind a rule',
      `${PASS}\nset skip on lo0\n`,
      'F:2: Rules must be in order: options, normalization, queueing, translation, filtering',
    ],
    [
      'normalization behind translation',
      'nat-anchor "x"\nscrub in all\n',
      'F:2: Rules must be in order: options, normalization, queueing, translation, filtering',
    ],
    ['an unknown keyword', 'allow out all\n', 'F:1: syntax error'],
    ['an unknown option', 'set speed high\n', 'F:1: syntax error'],
    ['an unknown option of a rule', `${PASS} fast\n`, 'F:1: syntax error'],
    ['a group on rdr', 'rdr on lo0 proto tcp all group 4242 -> 127.0.0.1\n', 'F:1: syntax error'],
    ['a user on nat', 'nat on lo0 proto tcp all user 0 -> 127.0.0.1\n', 'F:1: syntax error'],
    [
      'parts in another order',
      'pass out quick route-to (lo0 127.0.0.1) on ! lo0 inet proto tcp all\n',
      'F:1: syntax error',
    ],
    ['a family behind the protocol', 'pass out proto tcp inet all\n', 'F:1: syntax error'],
    ['to before from', 'pass out proto tcp to any from any\n', 'F:1: syntax error'],
    ['an unknown group', `${PASS} group snet\n`, 'F:1: unknown group snet'],
    ['an unknown user', `${PASS} user snet\n`, 'F:1: unknown user snet'],
    ['a group that is none', `${PASS} group 2147483647\n`, 'F:1: illegal gid value 2147483647'],
    ['unknown users above others', `${PASS} user > unknown\n`, 'F:1: user unknown requires operator = or !='],
    ['a name of a service', 'pass out proto tcp to any port domain\n', 'F:1: unknown port domain'],
    ['a name of a host', 'pass out proto tcp to localhost\n', 'F:1: could not parse host specification'],
    [
      'the address of an interface',
      'pass out proto tcp from en0 to any\n',
      'F:1: could not parse host specification',
    ],
    [
      'the addresses of an interface',
      'pass out proto tcp from (en0) to any\n',
      'F:1: could not parse host specification',
    ],
    ['another interface', 'pass out on en0 proto tcp all\n', 'F:1: unknown interface en0'],
    [
      'a route through another interface',
      'pass out route-to (en0 10.0.0.1) inet proto tcp all\n',
      'F:1: unknown interface en0',
    ],
    ['an interface name that is too long', 'pass on abcdefghijklmnop all\n', 'F:1: interface name too long'],
    ['an undefined macro', 'pass out proto tcp to $x\n', "F:1: macro 'x' not defined"],
    ['a macro of a mark', 'x = { 1 }\n', 'F:1: syntax error'],
    ['ports without a protocol', 'pass out to any port 53\n', 'F:1: port only applies to tcp/udp'],
    [
      'ports of rdr without a protocol',
      'rdr on lo0 to any port 53 -> 127.0.0.1\n',
      'F:1: dst port only applies to tcp/udp',
    ],
    [
      'a port to go to without a protocol',
      'rdr on lo0 inet all -> 127.0.0.1 port 53\n',
      'F:1: rpool port only applies to tcp/udp',
    ],
    ['a port that is none', 'pass out proto tcp to any port 65536\n', 'F:1: illegal port value 65536'],
    ['an unknown protocol', 'pass out proto quic all\n', 'F:1: unknown protocol quic'],
    [
      'a comparison in rdr',
      'rdr on lo0 proto tcp to any port > 53 -> 127.0.0.1\n',
      'F:1: invalid port operator for rdr destination port',
    ],
    ['flags of UDP', 'pass out proto udp all flags S/SA\n', 'F:1: flags only apply to tcp'],
    ['flags that can not be', `${PASS} flags S/A\n`, 'F:1: flags always false'],
    ['flags twice', `${PASS} flags S/SA flags any\n`, 'F:1: flags cannot be redefined'],
    ['state twice', `${PASS} keep state no state\n`, 'F:1: modulate or keep cannot be redefined'],
    [
      'state of what is blocked',
      'block out all keep state\n',
      "F:1: keep state on block rules doesn't make sense",
    ],
    ['return-rst for all', 'block return-rst out all\n', 'F:1: return-rst can only be applied to TCP rules'],
    [
      'a route without a direction',
      'pass route-to (lo0 127.0.0.1) inet proto tcp all\n',
      'F:1: direction must be explicit with rules that specify routing',
    ],
    [
      'a route of the other family',
      'pass out route-to (lo0 127.0.0.1) inet6 proto tcp all\n',
      'F:1: no routing address with matching address family found.',
    ],
    [
      'a route without state',
      'pass out route-to (lo0 127.0.0.1) inet proto tcp all no state\n',
      'F:1: a rule with a route needs state',
    ],
    [
      'a target of the other family',
      'rdr on lo0 inet proto tcp all -> ::1\n',
      'F:1: no translation address with matching address family found.',
    ],
    ['no target', 'rdr on lo0 inet proto tcp all\n', "F:1: translation rule requires '-> address'"],
    [
      'a target that is not needed',
      'no rdr on lo0 inet proto tcp all -> 127.0.0.1\n',
      "F:1: translation rule with 'no' does not need '->'",
    ],
    ['no and pass', 'no rdr pass on lo0 inet proto tcp all\n', 'F:1: pass not valid with no'],
    [
      'an address of the other family',
      'pass out inet proto tcp to ::1\n',
      'F:1: rule expands to no valid combination',
    ],
    [
      'two families at once',
      'pass out proto tcp from 10.0.0.1 to ::1\n',
      'F:1: rule expands to no valid combination',
    ],
    [
      'bits that are too many',
      'pass out proto tcp to 10.0.0.0/33\n',
      'F:1: could not parse host specification',
    ],
    [
      'a table that is not defined',
      'pass out proto tcp to <x>\n',
      'F:1: table <x> is used before it is defined',
    ],
    [
      'a table that is defined later',
      'pass out proto tcp to <x>\ntable <x> { 10.0.0.1 }\n',
      'F:1: table <x> is used before it is defined',
    ],
    [
      'a table in rdr that is not defined',
      'no rdr on lo0 proto tcp to <x>\n',
      'F:1: table <x> is used before it is defined',
    ],
    [
      'a name of a table of 32',
      `table <${'x'.repeat(32)}> persist\n`,
      'F:1: table name too long, max 31 chars',
    ],
    ['its use', `pass to <${'x'.repeat(32)}>\n`, `F:1: table name '${'x'.repeat(32)}' too long`],
    ['scrub with quick', 'scrub in quick all\n', "F:1: scrub rules do not support 'quick'"],
    ["an option of other systems' tables", 'table <x> counters\n', "F:1: invalid table option 'counters'"],
    ['an unknown option of a table', 'table <x> permanent\n', "F:1: invalid table option 'permanent'"],
    [
      'a file that is missing',
      `\ntable <x> file "/missing"\n${PASS}\n`,
      'F:2: cannot load "/missing": No such file or directory',
    ],
    ['a file with a bad line', 'table <x> file "/bad"\n', 'F:1: cannot load "/bad": Invalid argument'],
    ['a file with a name', 'table <x> file "/name"\n', 'F:1: cannot load "/name": Invalid argument'],
    [
      'a file with host bits',
      'table <x> file "/host-bits"\n',
      'F:1: cannot load "/host-bits": Invalid argument',
    ],
    [
      'an address in a list that is none',
      'table <x> { 10.0.0.256 }\n',
      'F:1: could not parse host specification',
    ],
    ['quotes that do not end', 'anchor "x\n', 'F:1: syntax error'],
    ['a mark out of place', 'pass out proto tcp to any ;\n', 'F:1: syntax error'],
    ['what it does not know: queues', 'altq on en0 cbq bandwidth 1Mb queue { a }\n', 'F:1: syntax error'],
    ['rules in braces', 'anchor "x" {\n pass\n}\n', 'F:1: syntax error'],
  ])('%s', (_, text, message) => {
    expect(refusal(text)).toBe(message);
  });

  test('the line in the file, counted over joined and empty ones', () => {
    expect(refusal('# 1\n\npass out \\\n  all\n}\n')).toBe('F:5: syntax error');
    expect(refusal('pass out proto tcp to {\n10.0.0.1\nfoo\n}\n')).toBe(
      'F:3: could not parse host specification',
    );
  });
});

test('tables of the main ruleset count for anchors', () => {
  expect(readRuleset('pass to <x>\n', { tables: ['x'] }).filter).toHaveLength(1);
});
