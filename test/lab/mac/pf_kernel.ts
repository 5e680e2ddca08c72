/** What pf in the kernel does when pfctl asks: xnu's pf_ioctl.c, as far as it matters here. */
import { formatCidr } from '../../../src/net/cidr.ts';
import type { MacState, Rules } from './mac_state.ts';
import { evaluate, type Fate, type Loaded, type Packet } from './pf_evaluate.ts';
import { readRuleset } from './pf_reader.ts';
import type { Ruleset, TableEntry } from './pf_ruleset.ts';
import { readEntry, TABLE_ENTRIES } from './pf_table.ts';

/** Interfaces that rules may name. */
const INTERFACES = { interfaces: ['lo0', 'en0', 'bridge100', 'utun4'] };
/** The first token; each next is far from it, and like real ones beyond 2^53. */
const FIRST_TOKEN = 11_012_949_885_072_952_621n;
const TOKEN_STEP = 0x9e3779b97f4a7c15n;

/** An ioctl that failed: strerror() of its errno. */
export class KernelRefusal extends Error {}

/** DIOCSTARTREF. @returns the token */
export function startReference(state: MacState, pid: number, program: string): string {
  const { pf, seen } = state;
  const token = String((FIRST_TOKEN + TOKEN_STEP * BigInt(seen.tokens++)) & 0xffff_ffff_ffff_ffffn);
  pf.references.push({ token, pid, program });
  pf.isOn = true;
  return token;
}

/** DIOCSTOPREF. @returns how many references are left. @throws KernelRefusal */
export function stopReference({ pf }: MacState, token: string): number {
  if (!pf.isOn) throw new KernelRefusal('pf not enabled');
  const at = pf.references.findIndex((one) => one.token === token);
  if (at < 0) throw new KernelRefusal('pf: token invalid');
  pf.references.splice(at, 1);
  const left = pf.references.length + pf.nameless;
  pf.isOn = left > 0;
  return left;
}

/** DIOCSTART. @throws KernelRefusal */
export function start({ pf }: MacState): void {
  if (pf.isOn) throw new KernelRefusal('pf already enabled');
  pf.isOn = true;
  pf.nameless++;
}

/** DIOCSTOP: for everybody; all tokens are void. @throws KernelRefusal */
export function stop({ pf }: MacState): void {
  if (!pf.isOn) throw new KernelRefusal('pf not enabled');
  pf.isOn = false;
  pf.references = [];
  pf.nameless = 0;
}

/** The place of a path; '' is the main ruleset. @returns undefined if there is no such anchor */
export function placeOf({ pf }: MacState, path: string): Rules | undefined {
  return path === '' ? pf.main : pf.anchors[path];
}

/**
 * Puts rules in the place of those of a path, with the tables that are defined beside them.
 * @param readFile of the files that pfctl reads
 * @throws PfError, RangeError if there are more addresses than fit
 */
export function load(
  state: MacState,
  path: string,
  text: string,
  file: string,
  readFile: (path: string) => string,
): void {
  const { pf } = state;
  const outer = path === '' ? [] : Object.keys(pf.main.tables);
  const ruleset = readRuleset(text, { file, readFile, known: INTERFACES, tables: outer });
  const before = placeOf(state, path);
  const kept = before?.persistent ?? [];
  const tables: Rules['tables'] = {};
  for (const name of kept) tables[name] = before!.tables[name]!;
  for (const [name, { entries }] of ruleset.tables) tables[name] = distinct(entries);
  const persistent = new Set(kept);
  for (const [name, { persist }] of ruleset.tables) if (persist) persistent.add(name);
  put(state, path, { text, tables, persistent: [...persistent] });
  checkRoom(state);
  for (const { anchor, file } of ruleset.loads) load(state, anchor, readFile(file), file, readFile);
  if (path === '') pf.skipped = [...ruleset.skip];
}

/** What the system does at boot, and the Application Firewall now and then: `pfctl -f /etc/pf.conf`. */
export function loadSystemRules(state: MacState): void {
  const readFile = (path: string) => state.files[path]!;
  load(state, '', readFile('/etc/pf.conf'), '/etc/pf.conf', readFile);
}

/** Takes out rules, and with `tables` the tables too. */
export function flush(state: MacState, path: string, tables: boolean): number {
  const rules = placeOf(state, path);
  if (!rules) return 0;
  const gone = tables ? Object.keys(rules.tables).length : 0;
  put(state, path, {
    text: '',
    tables: tables ? {} : rules.tables,
    persistent: tables ? [] : rules.persistent,
  });
  return gone;
}

function put(state: MacState, path: string, rules: Rules): void {
  if (path === '') state.pf.main = rules;
  // pf_remove_if_empty_ruleset()
  else if (rules.text === '' && Object.keys(rules.tables).length === 0) delete state.pf.anchors[path];
  else state.pf.anchors[path] = rules;
}

/** Each once, in the order of the radix tree, as far as it can be seen: by text. */
export function distinct(entries: readonly TableEntry[]): string[] {
  const texts = entries.map(({ negated, cidr }) => (negated ? '!' : '') + formatCidr(cidr));
  return [...new Set(texts)].toSorted();
}

/** @throws KernelRefusal if the tables hold more than they may */
export function checkRoom({ pf }: MacState): void {
  const all = [pf.main, ...Object.values(pf.anchors)].flatMap(({ tables }) => Object.values(tables));
  const count = all.reduce((sum, entries) => sum + entries.length, 0);
  if (count > TABLE_ENTRIES) throw new KernelRefusal('Cannot allocate memory');
}

/** What it makes of the first packet of a connection; with pf off it goes out as it is. */
export function fateOf(state: MacState, packet: Packet): Fate {
  const { pf } = state;
  if (!pf.isOn) return { what: 'passed', state: 'none' };
  const main = loaded(pf.main, pf.main);
  const anchors = new Map(Object.entries(pf.anchors).map(([path, rules]) => [path, loaded(rules, pf.main)]));
  return evaluate(main.ruleset, main.tables, packet, { anchors, skip: pf.skipped });
}

/** The rules of a place, read again. */
export function rulesetOf({ pf }: MacState, rules: Rules): Ruleset {
  return read(rules, pf.main);
}

function loaded(rules: Rules, main: Rules): Loaded {
  const tables = Object.entries(rules.tables).map(
    ([name, texts]) => [name, texts.map((text) => readEntry(text)!)] as const,
  );
  return { ruleset: read(rules, main), tables: new Map(tables) };
}

function read({ text }: Rules, main: Rules): Ruleset {
  // Its files were read when it was loaded, and may be gone.
  return readRuleset(text, { readFile: () => '', known: INTERFACES, tables: Object.keys(main.tables) });
}
