/** Rules as `pfctl -sr` and `pfctl -sn` print them (print_rule() of pfctl_parser.c): lists come out as one rule each. */
import { formatAddress } from '../../../src/net/address.ts';
import { formatCidr, type Cidr } from '../../../src/net/cidr.ts';
import { TCP, UDP, UNKNOWN_ID } from './pf_parts.ts';
import type {
  AnchorRule,
  FilterRule,
  Host,
  Interface,
  NumberTest,
  Ruleset,
  Selection,
  TranslationRule,
} from './pf_ruleset.ts';

/** `pfctl -sr`: what is scrubbed, then the filter rules. */
export function printFilter({ normalization, filter }: Ruleset): string {
  return lines([
    ...normalization.map((rule) => `${printAnchor(rule)} fragment reassemble`),
    ...filter.flatMap((rule) => (rule.kind === 'anchor' ? [printAnchor(rule)] : expanded(rule, printPass))),
  ]);
}

/** `pfctl -sn`: all of nat, then all of rdr, then all of binat. */
export function printTranslation({ translation }: Ruleset): string {
  return lines(
    ['nat', 'rdr', 'binat'].flatMap((kind) =>
      translation
        .filter((rule) => (rule.kind === 'anchor' ? rule.of : rule.kind) === kind)
        .flatMap((rule) => (rule.kind === 'anchor' ? [printAnchor(rule)] : expanded(rule, printRedirect))),
    ),
  );
}

function printAnchor(rule: AnchorRule): string {
  const word = rule.of === 'filter' ? 'anchor' : `${rule.of}-anchor`;
  return words(
    word,
    `"${rule.name}"`,
    rule.direction,
    rule.quick && 'quick',
    ...expanded(rule, (one) => selection(one)),
  );
}

/** One of the rules that a rule with lists stands for. */
interface Single {
  readonly interface: Interface | undefined;
  readonly family: 4 | 6 | undefined;
  readonly protocol: number | undefined;
  readonly from: { readonly host: Host | undefined; readonly port: NumberTest | undefined };
  readonly to: { readonly host: Host | undefined; readonly port: NumberTest | undefined };
  readonly user: NumberTest | undefined;
  readonly group: NumberTest | undefined;
}

/** expand_rule() of parse.y: every combination, the last list fastest; those of two families at once are none. */
function expanded<R extends Selection>(rule: R, print: (single: Single, rule: R) => string): string[] {
  const { users, groups } = rule as Partial<FilterRule>;
  const found: string[] = [];
  for (const on of each(rule.interfaces))
    for (const protocol of each(rule.protocols))
      for (const source of each(rule.from.hosts))
        for (const sourcePort of each(rule.from.ports))
          for (const destination of each(rule.to.hosts))
            for (const port of each(rule.to.ports))
              for (const user of each(users ?? []))
                for (const group of each(groups ?? [])) {
                  const family = oneFamily(rule.family, source, destination);
                  if (family === 'none') continue;
                  const from = { host: source, port: sourcePort };
                  const to = { host: destination, port };
                  found.push(print({ interface: on, family, protocol, from, to, user, group }, rule));
                }
  return found;
}

function oneFamily(
  said: 4 | 6 | undefined,
  ...hosts: readonly (Host | undefined)[]
): 4 | 6 | undefined | 'none' {
  let family = said;
  for (const host of hosts) {
    if (host?.what !== 'block') continue;
    const its = host.cidr.address.family;
    if (family !== undefined && family !== its) return 'none';
    family = its;
  }
  return family;
}

function each<T>(list: readonly T[]): readonly (T | undefined)[] {
  return list.length === 0 ? [undefined] : list;
}

function printRedirect(single: Single, { no, kind, pass, target }: TranslationRule): string {
  return words(
    no && 'no',
    kind,
    pass && 'pass',
    selection(single),
    target && `-> ${formatAddress(target.address)}`,
    target && target.port > 0 && `port ${target.port}`,
  );
}

function printPass(single: Single, rule: FilterRule): string {
  const { action, answer, direction, quick, route, flags, state } = rule;
  const { protocol, user, group } = single;
  const hasFlags = protocol === undefined || protocol === TCP;
  const address = route?.address;
  return words(
    action,
    // Without another `set block-policy`, which no Mac here has.
    action === 'block' && (answer === 'policy' ? 'drop' : answer),
    direction,
    quick && 'quick',
    single.interface && onInterface(single.interface),
    route &&
      `${route.kind} ${address ? `(${route.interface} ${withoutFullPrefix(address)})` : route.interface}`,
    selection({ ...single, interface: undefined }),
    user && `user ${test(user)}`,
    group && `group ${test(group)}`,
    hasFlags && flags && `flags ${flags.set}/${flags.of}`,
    hasFlags && !flags && action === 'pass' && state !== 'none' && 'flags any',
    action === 'pass' && state === 'none' ? 'no state' : state !== 'none' && `${state} state`,
  );
}

function selection({ interface: on, family, protocol, from, to }: Single): string {
  const isAll = !from.host && !from.port && !to.host && !to.port;
  return words(
    on && onInterface(on),
    family && (family === 4 ? 'inet' : 'inet6'),
    protocol !== undefined && `proto ${protocol === TCP ? 'tcp' : protocol === UDP ? 'udp' : protocol}`,
    isAll ? 'all' : words('from', side(from), 'to', side(to)),
  );
}

function side({ host, port }: Single['from']): string {
  return words(host ? hostText(host) : 'any', port && `port ${test(port)}`);
}

function hostText(host: Host): string {
  const mark = host.negated ? '! ' : '';
  if (host.what === 'block') return mark + withoutFullPrefix(host.cidr);
  return mark + (host.what === 'table' ? `<${host.name}>` : host.name);
}

function withoutFullPrefix(cidr: Cidr): string {
  const isHost = cidr.prefix === (cidr.address.family === 4 ? 32 : 128);
  return isHost ? formatAddress(cidr.address) : formatCidr(cidr);
}

function onInterface({ name, negated }: Interface): string {
  return `on ${negated ? '! ' : ''}${name}`;
}

function test({ operator, low, high }: NumberTest): string {
  const text = (value: number) => (value === UNKNOWN_ID ? 'unknown' : String(value));
  if (operator === ':') return `${low}:${high}`;
  if (operator === '><' || operator === '<>') return `${text(low)} ${operator} ${text(high)}`;
  return `${operator} ${text(low)}`;
}

function words(...parts: readonly (string | false | undefined | 0)[]): string {
  return parts.filter(Boolean).join(' ');
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
