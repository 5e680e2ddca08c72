/**
 * What a Mac's pf would do to this machine's own packets, as nftables rules: so that the rules of a Mac made of a file act on
 * the real packets of a namespace. Where pf routes to lo0 and translates there, a chain of type nat redirects.
 *
 * It has a notion only of rules that can be said in either language with the same meaning: filter rules that are quick, or
 * pass what would pass anyway; no sources, no users but all. It refuses all others.
 */
import { formatCidr, type Cidr } from '../../../src/net/cidr.ts';
import type { MacState } from './mac_state.ts';
import { rulesetOf } from './pf_kernel.ts';
import { TCP, UDP } from './pf_parts.ts';
import type {
  AnchorRule,
  FilterRule,
  Host,
  NumberTest,
  Ruleset,
  Selection,
  TableEntry,
  TranslationRule,
} from './pf_ruleset.ts';
import { readEntry } from './pf_table.ts';

/** No name of ours. */
export const TABLE = 'mac_pf';

/** For `nft -f -`: puts them in the place of what was there before, all at once. */
export function nftablesOf(state: MacState): string {
  const { sets, chains } = state.pf.isOn ? bodyOf(state) : { sets: [], chains: [] };
  // With the last chain of type nat the kernel would stop translating, as pf does not: so they stay, if need be without rules.
  const bases = [
    'chain filter_out { type filter hook output priority -150; ct state != new accept; ',
    'chain nat_out { type nat hook output priority -100; ',
  ].map((base, i) => `${base}${state.pf.isOn ? `jump ${i === 0 ? 'filter' : 'nat'}_0;` : ''} }`);
  return [
    `add table inet ${TABLE}`,
    `delete table inet ${TABLE}`,
    `table inet ${TABLE} {`,
    ...sets,
    ...chains,
    ...bases,
    '}\n',
  ].join('\n');
}

interface Place {
  readonly number: number;
  readonly path: string;
  readonly ruleset: Ruleset;
  readonly tables: ReadonlyMap<string, readonly TableEntry[]>;
}

function bodyOf(state: MacState): { sets: string[]; chains: string[] } {
  const { pf } = state;
  const all = [
    ['', pf.main] as const,
    ...Object.entries(pf.anchors).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ];
  const places = all.map(([path, rules], number): Place => {
    const tables = Object.entries(rules.tables).map(
      ([name, texts]) => [name, texts.map((text) => readEntry(text)!)] as const,
    );
    return { number, path, ruleset: rulesetOf(state, rules), tables: new Map(tables) };
  });
  const lost = 'drop;';
  const skips = pf.skipped.includes('lo0');
  return {
    sets: places.flatMap(setsOf),
    chains: [
      // nft wants what is jumped to first.
      ...places.toReversed().flatMap((place) => [
        chain(
          `rdr_${place.number}`,
          place.ruleset.translation.flatMap((rule) => translated(rule, place, places)),
        ),
      ]),
      chain('routed', [
        ...(state.losesIpv6 ? [`meta nfproto ipv6 ${lost}`] : []),
        skips ? lost : 'jump rdr_0;',
        lost,
      ]),
      ...places.toReversed().flatMap((place) => [
        chain(
          `nat_${place.number}`,
          place.ruleset.filter.flatMap((rule) => routed(rule, place, places)),
        ),
        chain(
          `filter_${place.number}`,
          place.ruleset.filter.flatMap((rule) => blocked(rule, place, places)),
        ),
      ]),
    ],
  };
}

function chain(name: string, rules: readonly string[]): string {
  return [`chain ${name} {`, ...rules, '}'].join('\n');
}

/** Two sets a table and family: what is in it, and what is taken out of that again. */
function setsOf(place: Place): string[] {
  return [...place.tables].flatMap(([name, entries]) =>
    ([4, 6] as const).flatMap((family) =>
      [false, true].map((negated) => {
        const blocks = entries
          .filter((entry) => entry.negated === negated && entry.cidr.address.family === family)
          .map(({ cidr }) => formatCidr(cidr));
        const elements = blocks.length === 0 ? '' : `elements = { ${blocks.join(', ')} };`;
        const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
        return `set ${setName(place, name, family, negated)} { type ${type}; flags interval; auto-merge; ${elements} }`;
      }),
    ),
  );
}

function setName({ number }: Place, table: string, family: 4 | 6, negated: boolean): string {
  return `t${number}_${table}_${family}${negated ? '_not' : ''}`;
}

/** Of the chain that says where a packet goes. */
function routed(rule: FilterRule | AnchorRule, place: Place, places: readonly Place[]): string[] {
  if (rule.kind === 'anchor') return jumps(rule, 'nat', place, places);
  if (rule.direction === 'in' || !rule.quick) return withoutQuick(rule);
  const verdict = rule.action === 'pass' && rule.route ? 'goto routed;' : 'accept;';
  return matches(rule, place, rule).map((match) => `${match} ${verdict}`);
}

/** Of the chain that says whether it goes. */
function blocked(rule: FilterRule | AnchorRule, place: Place, places: readonly Place[]): string[] {
  if (rule.kind === 'anchor') return jumps(rule, 'filter', place, places);
  if (rule.direction === 'in' || !rule.quick) return withoutQuick(rule);
  return matches(rule, place, rule).flatMap((match) => {
    if (rule.action === 'pass') return [`${match} accept;`];
    if (rule.answer === 'drop') return [`${match} drop;`];
    return [`${match} meta l4proto tcp reject with tcp reset;`, `${match} reject;`];
  });
}

function withoutQuick({ action, direction, route }: FilterRule): string[] {
  if (direction !== 'in' && (action === 'block' || route)) throw new Error('a rule that is not quick');
  return [];
}

/** Of what has come in on lo0. */
function translated(rule: TranslationRule | AnchorRule, place: Place, places: readonly Place[]): string[] {
  if (rule.kind === 'anchor') return rule.of === 'rdr' ? jumps(rule, 'rdr', place, places) : [];
  if (rule.kind !== 'rdr') throw new Error(`no notion of ${rule.kind}`);
  if (rule.interfaces.some(({ name, negated }) => (name === 'lo0') === negated)) return [];
  if (!rule.no && !rule.pass) throw new Error('what is translated would be filtered');
  const verdict = rule.target ? `redirect to :${rule.target.port};` : 'drop;';
  return matches({ ...rule, interfaces: [] }, place).map((match) => `${match} ${verdict}`);
}

function jumps(
  rule: AnchorRule,
  kind: 'nat' | 'filter' | 'rdr',
  place: Place,
  places: readonly Place[],
): string[] {
  const own = place.path === '' ? rule.name : `${place.path}/${rule.name}`;
  const prefix = own.endsWith('*') ? own.slice(0, -1) : undefined;
  return places
    .filter(({ path }) =>
      prefix === undefined
        ? path === own
        : path.startsWith(prefix) && !path.slice(prefix.length).includes('/'),
    )
    .map(({ number }) => `jump ${kind}_${number};`);
}

/** What of a packet must be so, once a family. */
function matches(rule: Selection, place: Place, owner?: FilterRule): string[] {
  if (rule.from.hosts.length > 0 || rule.from.ports.length > 0) throw new Error('no notion of sources');
  for (const { operator, low } of owner?.users ?? [])
    // Whatever has a socket at all: in this hook all have.
    if (operator !== '>=' || low > 0) throw new Error('no notion of users');
  return ([4, 6] as const)
    .filter((family) => (rule.family ?? family) === family)
    .flatMap((family) =>
      hostMatches(one(rule.to.hosts, 'hosts')[0], family, place).map((host) =>
        [
          `meta nfproto ${family === 4 ? 'ipv4' : 'ipv6'}`,
          ...rule.interfaces.map(({ name, negated }) => interfaceMatch(name, negated)),
          rule.protocols.length > 0 && `meta l4proto { ${rule.protocols.map(protocolName).join(', ')} }`,
          host,
          rule.to.ports.length > 0 && `th dport { ${rule.to.ports.map(exactly).join(', ')} }`,
          ...one(owner?.groups ?? [], 'groups').map((test) => `meta skgid ${exactly(test)}`),
        ]
          .filter(Boolean)
          .join(' '),
      ),
    );
}

function one<T>(list: readonly T[], what: string): readonly T[] {
  if (list.length > 1) throw new Error(`several ${what} at once`);
  return list;
}

function interfaceMatch(name: string, negated: boolean): string {
  if (name !== 'lo0') throw new Error(`no notion of ${name}`);
  return `oifname ${negated ? '!= ' : ''}"lo"`;
}

function protocolName(number: number): string {
  if (number !== TCP && number !== UDP) throw new Error(`no notion of protocol ${number}`);
  return number === TCP ? 'tcp' : 'udp';
}

function exactly({ operator, low }: NumberTest): string {
  if (operator !== '=') throw new Error(`no notion of ${operator}`);
  return String(low);
}

/** One of these must be so. */
function hostMatches(host: Host | undefined, family: 4 | 6, place: Place): string[] {
  if (!host) return [''];
  const address = family === 4 ? 'ip daddr' : 'ip6 daddr';
  if (host.what === 'block')
    return [`${address} ${host.negated ? '!= ' : ''}${sameFamily(host.cidr, family)}`];
  if (host.what === 'interface') throw new Error('no notion of such a host');
  const entries = place.tables.get(host.name) ?? [];
  for (const { negated, cidr } of entries)
    if (negated && cidr.prefix < (family === 4 ? 32 : 128) && cidr.address.family === family)
      throw new Error('what is taken out of a table must be hosts');
  const inside = `@${setName(place, host.name, family, false)}`;
  const takenOut = `@${setName(place, host.name, family, true)}`;
  return host.negated
    ? [`${address} != ${inside}`, `${address} ${takenOut}`]
    : [`${address} ${inside} ${address} != ${takenOut}`];
}

function sameFamily(cidr: Cidr, family: 4 | 6): string {
  if (cidr.address.family !== family) throw new Error('an address of the other family');
  return formatCidr(cidr);
}
