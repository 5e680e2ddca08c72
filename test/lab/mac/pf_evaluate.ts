/**
 * What pf does to the first packet of a connection that this machine makes: the filter rules when it leaves; if they route
 * it to lo0, the translation rules when it comes in there, and the filter rules once more unless an `rdr pass` took it.
 *
 * By pf.conf(5) and xnu's pf.c: of translation rules the first that matches counts, `no` among them; of filter rules the
 * last, or the first with `quick`; an anchor's rules stand where its name does, those of `NAME/*` child by child, one level.
 */
import { addressWords } from '../../../src/net/ranges.ts';
import type { Cidr } from '../../../src/net/cidr.ts';
import type { Address, Endpoint } from '../../../src/net/address.ts';
import { TCP, UDP, UNKNOWN_ID } from './pf_parts.ts';
import type {
  AnchorRule,
  FilterRule,
  Host,
  NumberTest,
  Operator,
  Ruleset,
  Selection,
  Side,
  TableEntry,
  TranslationRule,
} from './pf_ruleset.ts';

export interface Packet {
  /** A SYN, or a datagram. */
  readonly protocol: 'tcp' | 'udp';
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** By which the routing table sends it out. */
  readonly interface: string;
  /** Of the process that made the socket, at that time; {@link UNKNOWN_ID} of what is passed on for others. */
  readonly user: number;
  readonly group: number;
}

/** By name; a name that isn't there is a table without entries. */
export type Tables = ReadonlyMap<string, readonly TableEntry[]>;

export interface Loaded {
  readonly ruleset: Ruleset;
  readonly tables: Tables;
}

export interface Surroundings {
  /** By path, as `com.apple/name`. */
  readonly anchors?: ReadonlyMap<string, Loaded>;
  /** Interfaces that pf does not look at. */
  readonly skip?: readonly string[];
}

export type Fate =
  /** Out it goes, or in, as it is. */
  | { readonly what: 'passed'; readonly state: FilterRule['state'] }
  | { readonly what: 'blocked'; readonly answer: 'drop' | 'return' | 'return-rst' | 'return-icmp' }
  | { readonly what: 'redirected'; readonly to: Endpoint }
  /** Routed to lo0 where no rule gave it another destination: it gets nowhere. */
  | { readonly what: 'lost' }
  /** Routed out of another interface. */
  | { readonly what: 'routed'; readonly interface: string };

/** The tables of a ruleset as they are right after it was loaded. */
export function tablesOf({ tables }: Ruleset): Map<string, readonly TableEntry[]> {
  return new Map([...tables].map(([name, { entries }]) => [name, entries]));
}

/** @param ruleset the main one; for a single anchor's rules, these */
export function evaluate(
  ruleset: Ruleset,
  tables: Tables,
  packet: Packet,
  { anchors = new Map(), skip = [] }: Surroundings = {},
): Fate {
  const main: Place = { path: '', ruleset, tables, anchors, outer: tables };
  if (skip.includes(packet.interface)) return PASSED_UNSEEN;
  const rule = filterRule(main, { ...packet, direction: 'out' });
  if (rule?.action === 'block') return blocked(rule, ruleset);
  const passed: Fate = { what: 'passed', state: rule?.state ?? 'none' };
  if (rule?.route?.kind !== 'route-to') return passed;
  if (rule.route.interface !== LOOPBACK) return { what: 'routed', interface: rule.route.interface };
  if (skip.includes(LOOPBACK)) return { what: 'lost' };

  const arriving: Seen = { ...packet, interface: LOOPBACK, direction: 'in' };
  const translation = translationRule(main, arriving);
  if (!translation || translation.no || !translation.target) return { what: 'lost' };
  const { address, port } = translation.target;
  const to: Endpoint = { address, port: port || packet.destination.port };
  if (translation.pass) return { what: 'redirected', to };
  const second = filterRule(main, { ...arriving, destination: to });
  return second?.action === 'block' ? blocked(second, ruleset) : { what: 'redirected', to };
}

const LOOPBACK = 'lo0';
const PASSED_UNSEEN: Fate = { what: 'passed', state: 'none' };

interface Seen extends Packet {
  readonly direction: 'in' | 'out';
}

interface Place extends Loaded {
  readonly path: string;
  readonly anchors: ReadonlyMap<string, Loaded>;
  /** Of the main ruleset: an anchor's rules find tables there that the anchor has not. */
  readonly outer: Tables;
}

function blocked({ answer }: FilterRule, { blockPolicy }: Ruleset): Fate {
  return { what: 'blocked', answer: answer === 'policy' ? blockPolicy : answer };
}

/** The rule that decides; undefined: none does, and the packet passes. */
function filterRule(main: Place, packet: Seen): FilterRule | undefined {
  return lastMatch(main, packet).rule;
}

function lastMatch(
  place: Place,
  packet: Seen,
): { readonly rule: FilterRule | undefined; readonly final: boolean } {
  let rule: FilterRule | undefined;
  for (const candidate of place.ruleset.filter) {
    if (!selects(candidate, packet, place)) continue;
    if (candidate.direction && candidate.direction !== packet.direction) continue;
    if (candidate.kind === 'filter') {
      if (!ownerMatches(candidate, packet) || !flagsMatch(candidate, packet)) continue;
      rule = candidate;
      if (candidate.quick) return { rule, final: true };
      continue;
    }
    let met = false;
    for (const child of childrenOf(place, candidate)) {
      const found = lastMatch(child, packet);
      rule = found.rule ?? rule;
      met ||= found.rule !== undefined;
      if (found.final) return { rule, final: true };
    }
    if (candidate.quick && met) return { rule, final: true };
  }
  return { rule, final: false };
}

/** The first `rdr` that matches, in what order the anchors have them. */
function translationRule(place: Place, packet: Seen): TranslationRule | undefined {
  for (const candidate of place.ruleset.translation) {
    if (!selects(candidate, packet, place)) continue;
    if (candidate.kind === 'rdr') return candidate;
    if (candidate.kind !== 'anchor' || candidate.of !== 'rdr') continue;
    for (const child of childrenOf(place, candidate)) {
      const found = translationRule(child, packet);
      if (found) return found;
    }
  }
  return undefined;
}

function childrenOf(place: Place, { name }: AnchorRule): Place[] {
  const own = name.startsWith('/') ? name.slice(1) : place.path === '' ? name : `${place.path}/${name}`;
  if (!own.endsWith('*')) {
    const loaded = place.anchors.get(own);
    return loaded ? [{ ...place, ...loaded, path: own }] : [];
  }
  const prefix = own.slice(0, -1);
  return [...place.anchors]
    .filter(([path]) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, loaded]) => ({ ...place, ...loaded, path }));
}

function selects(rule: Selection, packet: Seen, place: Place): boolean {
  const { family } = packet.destination.address;
  const on = rule.interfaces;
  return (
    (rule.family ?? family) === family &&
    (rule.protocols.length === 0 || rule.protocols.includes(packet.protocol === 'tcp' ? TCP : UDP)) &&
    (on.length === 0 || on.some(({ name, negated }) => (name === packet.interface) !== negated)) &&
    sideMatches(rule.from, packet.source, place) &&
    sideMatches(rule.to, packet.destination, place)
  );
}

function sideMatches({ hosts, ports }: Side, { address, port }: Endpoint, place: Place): boolean {
  return (
    (hosts.length === 0 || hosts.some((host) => hostMatches(host, address, place))) &&
    (ports.length === 0 || ports.some((test) => passes(test, port)))
  );
}

function hostMatches(host: Host, address: Address, { tables, outer }: Place): boolean {
  if (host.what === 'block') return contains(host.cidr, address) !== host.negated;
  if (host.what === 'interface') throw new Error(`nobody said which addresses ${host.name} has`);
  return inTable(tables.get(host.name) ?? outer.get(host.name) ?? [], address) !== host.negated;
}

/** The longest block that has it decides: pfr_match_addr() of xnu's pf_table.c. */
export function inTable(entries: readonly TableEntry[], address: Address): boolean {
  let best: TableEntry | undefined;
  for (const entry of entries)
    if (contains(entry.cidr, address) && entry.cidr.prefix > (best?.cidr.prefix ?? -1)) best = entry;
  return best !== undefined && !best.negated;
}

function contains({ address, prefix }: Cidr, other: Address): boolean {
  if (address.family !== other.family) return false;
  const words = addressWords(other);
  return addressWords(address).every((word, i) => {
    const bits = Math.min(32, Math.max(0, prefix - 32 * i));
    return bits === 0 || (word ^ words[i]!) >>> (32 - bits) === 0;
  });
}

function ownerMatches({ users, groups }: FilterRule, { user, group }: Seen): boolean {
  return (
    (users.length === 0 || users.some((test) => owns(test, user))) &&
    (groups.length === 0 || groups.some((test) => owns(test, group)))
  );
}

/** pf_match_uid() of xnu's pf.c: whom nobody knows is neither above nor below anybody. */
function owns(test: NumberTest, id: number): boolean {
  if (id === UNKNOWN_ID && test.operator !== '=' && test.operator !== '!=') return false;
  return passes(test, id);
}

/** Of a SYN; only TCP has flags that are looked at. */
function flagsMatch({ flags }: FilterRule, { protocol }: Seen): boolean {
  if (!flags || protocol !== 'tcp') return true;
  return flags.of.includes('S') ? flags.set === 'S' : flags.set === '';
}

function passes({ operator, low, high }: NumberTest, value: number): boolean {
  return COMPARE[operator](value, low, high);
}

const COMPARE: Readonly<Record<Operator, (value: number, low: number, high: number) => boolean>> = {
  '=': (value, low) => value === low,
  '!=': (value, low) => value !== low,
  '<': (value, low) => value < low,
  '<=': (value, low) => value <= low,
  '>': (value, low) => value > low,
  '>=': (value, low) => value >= low,
  '><': (value, low, high) => value > low && value < high,
  '<>': (value, low, high) => value < low || value > high,
  ':': (value, low, high) => value >= low && value <= high,
};
