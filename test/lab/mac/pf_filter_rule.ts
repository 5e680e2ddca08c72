/** `pass …` and `block …`: pfrule of parse.y, and what filter_consistent() and expand_rule() there refuse. */
import type { Cursor } from './pf_cursor.ts';
import { checkFamilies, familyOf } from './pf_family.ts';
import {
  interfaceName,
  readFamily,
  readFromTo,
  readHost,
  readIds,
  readInterfaces,
  readProtocols,
  TCP,
  UDP,
} from './pf_parts.ts';
import type { BlockAnswer, FilterRule, NumberTest, Route } from './pf_ruleset.ts';

const FLAGS = /^[FSRPAUEW]*$/;
const ROUTES = ['route-to', 'reply-to', 'dup-to'] as const;
const STATES = ['keep', 'modulate', 'synproxy'] as const;

interface Options {
  readonly users: NumberTest[];
  readonly groups: NumberTest[];
  flags?: 'any' | { readonly set: string; readonly of: string };
  state?: FilterRule['state'];
  icmp: boolean;
}

export function readFilterRule(cursor: Cursor): FilterRule {
  const action = cursor.takes('pass') ? 'pass' : 'block';
  if (action === 'block') cursor.wants('block');
  const answer = action === 'block' ? readAnswer(cursor) : 'policy';
  const direction = cursor.takesOne(['in', 'out'] as const);
  const quick = readLogQuick(cursor);
  const interfaces = readInterfaces(cursor);
  const route = readRoute(cursor);
  const said = readFamily(cursor);
  const protocols = readProtocols(cursor);
  const { from, to } = readFromTo(cursor);
  const options = readOptions(cursor);
  const line = cursor.line;

  const hasPorts = from.ports.length > 0 || to.ports.length > 0;
  const isTcpOrUdp = protocols.length > 0 && protocols.every((one) => one === TCP || one === UDP);
  if (hasPorts && !isTcpOrUdp) cursor.fail('port only applies to tcp/udp', line);
  const flags = options.flags;
  if (typeof flags === 'object') {
    if (protocols.length > 0 && !protocols.includes(TCP)) cursor.fail('flags only apply to tcp', line);
    if (flags.set.split('').some((flag) => !flags.of.includes(flag))) cursor.fail('flags always false', line);
  }
  if (answer === 'return-rst' && (protocols.length === 0 || protocols.some((one) => one !== TCP)))
    cursor.fail('return-rst can only be applied to TCP rules', line);
  if (action === 'block' && options.state && options.state !== 'none')
    cursor.fail("keep state on block rules doesn't make sense", line);
  const family = checkFamilies(cursor, said, from, to);
  const state = options.state ?? (action === 'pass' ? 'keep' : 'none');
  if (route) checkRoute(cursor, route, direction, family, state);
  const byDefault = action === 'pass' && state !== 'none' ? { set: 'S', of: 'SA' } : undefined;
  return {
    kind: 'filter',
    line,
    action,
    answer,
    direction,
    quick,
    interfaces,
    route,
    family: family ?? (route?.address && route.address.address.family),
    protocols,
    from,
    to,
    users: options.users,
    groups: options.groups,
    flags: flags === 'any' ? undefined : (flags ?? byDefault),
    state,
  };
}

function readAnswer(cursor: Cursor): BlockAnswer {
  const answer = cursor.takesOne(['drop', 'return-rst', 'return-icmp6', 'return-icmp', 'return'] as const);
  if (answer?.startsWith('return-') && cursor.takes('(')) {
    if (answer === 'return-rst') {
      cursor.wants('ttl');
      cursor.number();
    } else {
      cursor.word();
      if (cursor.takes(',')) cursor.word();
    }
    cursor.wants(')');
  }
  return answer === 'return-icmp6' ? 'return-icmp' : (answer ?? 'policy');
}

/** `log` and `quick` in either order. @returns whether it is quick */
function readLogQuick(cursor: Cursor): boolean {
  readLog(cursor);
  const quick = cursor.takes('quick');
  if (quick) readLog(cursor);
  return quick;
}

export function readLog(cursor: Cursor): void {
  if (!cursor.takes('log') || !cursor.takes('(')) return;
  do {
    cursor.takes(',');
    if (cursor.takes('to')) cursor.string();
    else if (!cursor.takesOne(['all', 'user', 'group'] as const)) cursor.fail();
  } while (!cursor.takes(')'));
}

function readRoute(cursor: Cursor): Route | undefined {
  const kind = cursor.takesOne(ROUTES);
  if (!kind) return undefined;
  if (!cursor.takes('(')) return { kind, interface: interfaceName(cursor), address: undefined };
  const name = interfaceName(cursor);
  const host = readHost(cursor);
  if (host.what !== 'block' || host.negated) return cursor.fail();
  cursor.wants(')');
  return { kind, interface: name, address: host.cidr };
}

function checkRoute(
  cursor: Cursor,
  { address }: Route,
  direction: 'in' | 'out' | undefined,
  family: 4 | 6 | undefined,
  state: FilterRule['state'],
): void {
  if (!direction) cursor.fail('direction must be explicit with rules that specify routing', cursor.line);
  if (family && address && familyOf(address) !== family)
    cursor.fail('no routing address with matching address family found.', cursor.line);
  // pfctl takes it; but the reply would meet the rdr rule, and the handshake never end.
  if (state === 'none') cursor.fail('a rule with a route needs state', cursor.line);
}

function readOptions(cursor: Cursor): Options {
  const options: Options = { users: [], groups: [], icmp: false };
  while (!cursor.over) {
    if (cursor.takes('user')) options.users.push(...readIds(cursor, 'user'));
    else if (cursor.takes('group')) options.groups.push(...readIds(cursor, 'group'));
    else if (cursor.takes('flags')) {
      if (options.flags) cursor.fail('flags cannot be redefined');
      options.flags = readFlags(cursor);
    } else if (cursor.takes('no')) {
      cursor.wants('state');
      setState(cursor, options, 'none');
    } else if (cursor.takes('label') || cursor.takes('tag') || cursor.takes('tagged')) cursor.string();
    else if (!cursor.takes('allow-opts')) {
      const state = cursor.takesOne(STATES) ?? cursor.fail();
      cursor.wants('state');
      setState(cursor, options, state);
    }
  }
  return options;
}

function setState(cursor: Cursor, options: Options, state: FilterRule['state']): void {
  if (options.state) cursor.fail('modulate or keep cannot be redefined');
  options.state = state;
}

function readFlags(cursor: Cursor): 'any' | { set: string; of: string } {
  if (cursor.takes('any')) return 'any';
  const set = cursor.takes('/') ? undefined : readFlagLetters(cursor);
  if (set !== undefined) cursor.wants('/');
  return { set: set ?? '', of: readFlagLetters(cursor) };
}

function readFlagLetters(cursor: Cursor): string {
  const letters = cursor.string();
  if (!FLAGS.test(letters)) cursor.fail(`bad flags ${letters}`);
  return letters;
}
