/** The parts that rules of every kind are made of; each is read where the grammar of pfctl's parse.y has it. */
import { parseCidr } from '../../../src/net/cidr.ts';
import type { Cursor } from './pf_cursor.ts';
import type { Host, Interface, NumberTest, Operator, Side } from './pf_ruleset.ts';
import { TABLE_NAME_SIZE } from './pf_table.ts';

export const TCP = 6;
export const UDP = 17;

/** IANA's numbers, as in /etc/protocols. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  tcp: TCP,
  udp: UDP,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  'ipv6-icmp': 58,
  icmp6: 58,
};
/** IFNAMSIZ of xnu's if.h, with the zero byte at its end. */
const INTERFACE_NAME_SIZE = 16;
/** UID_MAX and GID_MAX of xnu's sys/syslimits.h: `unknown`, the owner of what has no socket; no number from here on is taken. */
export const UNKNOWN_ID = 0x7fffffff;

/** `on [!] lo0`, `on { en0 en1 }`. */
export function readInterfaces(cursor: Cursor): Interface[] {
  if (!cursor.takes('on')) return [];
  return cursor.oneOrMore(() => {
    const negated = cursor.takes('!');
    return { name: interfaceName(cursor), negated };
  });
}

export function interfaceName(cursor: Cursor): string {
  const name = cursor.string();
  if (name.length >= INTERFACE_NAME_SIZE) cursor.fail('interface name too long');
  // pfctl takes any name here and waits for such an interface to come.
  if (!cursor.known.interfaces.includes(name)) cursor.fail(`unknown interface ${name}`);
  return name;
}

export function readFamily(cursor: Cursor): 4 | 6 | undefined {
  if (cursor.takes('inet')) return 4;
  return cursor.takes('inet6') ? 6 : undefined;
}

/** `proto tcp`, `proto { tcp udp 47 }`. @returns numbers */
export function readProtocols(cursor: Cursor): number[] {
  if (!cursor.takes('proto')) return [];
  return cursor.oneOrMore(() => {
    const name = cursor.word();
    const number = /^\d+$/.test(name) ? Number(name) : PROTOCOLS[name];
    if (number === undefined) cursor.fail(`unknown protocol ${name}`);
    if (number === 0) cursor.fail('proto 0 cannot be used');
    if (number > 255) cursor.fail('protocol outside range');
    return number;
  });
}

const ANY: Side = { hosts: [], ports: [] };

/** `all`, or `from … to …`, each of which may be missing. */
export function readFromTo(cursor: Cursor): { readonly from: Side; readonly to: Side } {
  if (cursor.takes('all')) return { from: ANY, to: ANY };
  const from = cursor.takes('from') ? readSide(cursor) : ANY;
  if (cursor.takes('os')) cursor.oneOrMore(() => cursor.string());
  const to = cursor.takes('to') ? readSide(cursor) : ANY;
  return { from, to };
}

function readSide(cursor: Cursor): Side {
  const hosts = cursor.sees('port') ? [] : readHosts(cursor);
  const ports = cursor.takes('port') ? cursor.oneOrMore(() => readTest(cursor, () => readPort(cursor))) : [];
  return { hosts, ports };
}

/** `any`, one host, or a list; `any` in a list is left out of it, as ipspec of the grammar does. */
function readHosts(cursor: Cursor): Host[] {
  const hosts = cursor.oneOrMore(() => (cursor.takes('any') ? undefined : readHost(cursor)));
  return hosts.filter((host) => host !== undefined);
}

export function readHost(cursor: Cursor): Host {
  const negated = cursor.takes('!');
  if (cursor.takes('<')) {
    const name = cursor.string();
    cursor.wants('>');
    if (name.length >= TABLE_NAME_SIZE) cursor.fail(`table name '${name}' too long`);
    return { what: 'table', negated, name };
  }
  if (cursor.takes('(')) {
    const name = cursor.string();
    cursor.wants(')');
    return { what: 'interface', negated, name: knownAddressOf(cursor, name) };
  }
  if (cursor.sees('no-route') || cursor.sees('urpf-failed')) cursor.fail();
  const text = cursor.word();
  const prefix = cursor.takes('/') ? `/${cursor.number()}` : '';
  // `10/8`, as inet_net_pton(3) has it.
  const short = prefix !== '' && /^\d+(?:\.\d+){0,2}$/.test(text);
  const missing = short ? 4 - text.split('.').length : 0;
  const cidr = parseCidr(text + '.0'.repeat(missing) + prefix);
  if (cidr) return { what: 'block', negated, cidr };
  // A name; the resolver would be asked for it, and that at every load.
  return { what: 'interface', negated, name: knownAddressOf(cursor, text) };
}

function knownAddressOf(cursor: Cursor, text: string): string {
  const [name, ...modifiers] = text.split(':');
  if (!cursor.known.interfaces.includes(name!)) cursor.fail('could not parse host specification');
  for (const modifier of modifiers)
    if (!['network', 'broadcast', 'peer', '0'].includes(modifier))
      cursor.fail(`interface ${text} has bad modifier`);
  return text;
}

const UNARY = ['=', '!=', '<=', '<', '>=', '>'] as const;

/** `80`, `= 80`, `>= 1024`, `1 >< 5`; of ports `1:5` too. */
export function readTest(cursor: Cursor, value: () => number | readonly [number, number]): NumberTest {
  const unary = takesOperator(cursor);
  const first = value();
  if (typeof first !== 'number') {
    if (unary) cursor.fail("':' cannot be used with an other port operator");
    return { operator: ':', low: first[0], high: first[1] };
  }
  if (unary) return { operator: unary, low: first, high: first };
  const binary = cursor.takesOne(['><', '<>'] as const);
  if (!binary) return { operator: '=', low: first, high: first };
  const last = value();
  if (typeof last !== 'number') cursor.fail("':' cannot be used with an other port operator");
  return { operator: binary, low: first, high: last };
}

function takesOperator(cursor: Cursor): Operator | undefined {
  for (const operator of UNARY) {
    const [first, second] = operator;
    if (second === undefined) {
      if (cursor.takes(first!)) return operator;
    } else if (cursor.takesBoth(first!, second)) return operator;
  }
  return undefined;
}

function readPort(cursor: Cursor): number | readonly [number, number] {
  const text = cursor.word();
  const [first, second, ...more] = text.split(':');
  if (more.length > 0) cursor.fail(`port spec ${text} unknown`);
  const low = portNumber(cursor, first!);
  return second === undefined ? low : [low, portNumber(cursor, second)];
}

/** getservice() and parseport() of parse.y. */
export function portNumber(cursor: Cursor, text: string): number {
  if (/^\d+$/.test(text)) {
    if (Number(text) > 65535) cursor.fail(`illegal port value ${text}`);
    return Number(text);
  }
  const port = cursor.known.services[text];
  if (port === undefined) cursor.fail(`unknown port ${text}`);
  return port;
}

/** What follows `user` or `group`. */
export function readIds(cursor: Cursor, what: 'user' | 'group'): NumberTest[] {
  const names = what === 'user' ? cursor.known.users : cursor.known.groups;
  return cursor.oneOrMore(() => {
    const test = readTest(cursor, () => {
      const text = cursor.word();
      if (text === 'unknown') return UNKNOWN_ID;
      if (!/^\d+$/.test(text)) return names[text] ?? cursor.fail(`unknown ${what} ${text}`);
      if (Number(text) >= UNKNOWN_ID) cursor.fail(`illegal ${what === 'user' ? 'uid' : 'gid'} value ${text}`);
      return Number(text);
    });
    const isUnknown = test.low === UNKNOWN_ID || test.high === UNKNOWN_ID;
    if (isUnknown && test.operator !== '=' && test.operator !== '!=')
      cursor.fail(`${what} unknown requires operator = or !=`);
    return test;
  });
}
