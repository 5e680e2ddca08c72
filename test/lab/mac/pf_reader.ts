/**
 * Reads a ruleset as pfctl of macOS does, or refuses it as pfctl would: all of it, for one bad line. Written after the
 * grammar and the checks of pfctl's parse.y (OpenBSD 1.554 of 2008, on which Apple's is based) and pf.conf(5) of macOS.
 *
 * Stricter than pfctl in what would make a ruleset depend on the machine and the moment, or work otherwise than it reads:
 * names that nobody said are known; tables that are used and not defined before; `route-to` without state. It refuses what
 * it has no notion of: queues, dummynet rules, antispoof, `include`, rules inside of an anchor's braces.
 */
import { readFileSync } from 'node:fs';
import { Cursor, NO_NAMES, type KnownNames } from './pf_cursor.ts';
import { readFilterRule } from './pf_filter_rule.ts';
import { readFamily, readFromTo, readInterfaces, readProtocols } from './pf_parts.ts';
import type { AnchorRule, FilterRule, Host, Ruleset, TableDefinition, TableEntry } from './pf_ruleset.ts';
import { readEntry, readTableFile, TABLE_ENTRIES, TABLE_NAME_SIZE } from './pf_table.ts';
import { statements } from './pf_tokens.ts';
import { readTranslationRule, TRANSLATIONS } from './pf_translation_rule.ts';

export interface ReadOptions {
  /** In errors, as pfctl has it there. */
  readonly file?: string;
  readonly known?: Partial<KnownNames>;
  /** Reads a file of a table. @throws as readFileSync does */
  readonly readFile?: (path: string) => string;
  /** Tables that are there already: those of the main ruleset, which its anchors may use. */
  readonly tables?: readonly string[];
}

/** PFCTL_STATE_* of parse.y: no statement goes back to an earlier one. Apple's dummynet has no place among them. */
const STAGES = ['options', 'normalization', 'queueing', 'translation', 'filtering'] as const;
type Stage = (typeof STAGES)[number];
const ORDER = 'Rules must be in order: options, normalization, queueing, translation, filtering';

const SET_OPTIONS = [
  'optimization',
  'ruleset-optimization',
  'timeout',
  'limit',
  'loginterface',
  'hostid',
  'require-order',
  'fingerprints',
  'state-policy',
  'state-defaults',
  'debug',
] as const;

/**
 * @param text of the file
 * @throws PfError, with pfctl's own words where it has some
 */
export function readRuleset(
  text: string,
  { file = '-', known = {}, readFile = readText, tables: outer = [] }: ReadOptions = {},
): Ruleset {
  const skip: string[] = [];
  const tables = new Map<string, TableDefinition>();
  const normalization: AnchorRule[] = [];
  const dummynet: AnchorRule[] = [];
  const translation: Ruleset['translation'][number][] = [];
  const filter: Ruleset['filter'][number][] = [];
  const loads: Ruleset['loads'][number][] = [];
  let blockPolicy: Ruleset['blockPolicy'] = 'drop';
  let stage = 0;

  for (const statement of statements(text, file)) {
    const cursor = new Cursor(statement, file, { ...NO_NAMES, ...known });
    const enter = (name: Stage) => {
      const next = STAGES.indexOf(name);
      if (next < stage) cursor.fail(ORDER, statement.line);
      stage = next;
    };
    if (cursor.takes('set')) {
      enter('options');
      if (cursor.takes('skip')) {
        cursor.wants('on');
        skip.push(...cursor.oneOrMore(() => cursor.string()));
      } else if (cursor.takes('block-policy')) {
        blockPolicy = cursor.takesOne(['drop', 'return'] as const) ?? cursor.fail();
      } else if (cursor.takesOne(SET_OPTIONS)) {
        if (cursor.over) cursor.fail();
        cursor.skip();
      } else cursor.fail();
    } else if (cursor.takes('table')) {
      const [name, table] = readTable(cursor, readFile);
      tables.set(name, table);
    } else if (cursor.takes('load')) {
      cursor.wants('anchor');
      const anchor = cursor.string();
      cursor.wants('from');
      loads.push({ anchor, file: cursor.string() });
    } else if (cursor.takes('scrub-anchor')) {
      enter('normalization');
      normalization.push(readAnchor(cursor, 'scrub'));
    } else if (cursor.sees('scrub') || cursor.seesBoth('no', 'scrub')) {
      enter('normalization');
      readScrub(cursor);
    } else if (cursor.takes('dummynet-anchor')) {
      dummynet.push(readAnchor(cursor, 'dummynet'));
    } else if (cursor.takes('anchor')) {
      enter('filtering');
      filter.push(readFilterAnchor(cursor));
    } else if (cursor.sees('pass') || cursor.sees('block')) {
      enter('filtering');
      filter.push(readFilterRule(cursor));
    } else {
      const anchored = cursor.takesOne(['rdr-anchor', 'nat-anchor', 'binat-anchor'] as const);
      if (anchored) {
        enter('translation');
        translation.push(readAnchor(cursor, ANCHORS[anchored]));
      } else if (TRANSLATIONS.some((kind) => cursor.sees(kind) || cursor.seesBoth('no', kind))) {
        enter('translation');
        translation.push(readTranslationRule(cursor));
      } else cursor.fail();
    }
    if (!cursor.over) cursor.fail();
    const rule = translation.at(-1)?.line === cursor.line ? translation.at(-1) : filter.at(-1);
    for (const name of rule?.line === cursor.line ? tablesIn(rule) : [])
      if (!tables.has(name) && !outer.includes(name))
        // The kernel would make an empty table of that name, and go on.
        cursor.fail(`table <${name}> is used before it is defined`, statement.line);
  }
  const entries = [...tables.values()].reduce((sum, table) => sum + table.entries.length, 0);
  if (entries > TABLE_ENTRIES) throw new RangeError(`${entries} entries are more than tables may hold`);
  return { skip, blockPolicy, tables, normalization, translation, dummynet, filter, loads };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

function readSelection(cursor: Cursor) {
  const interfaces = readInterfaces(cursor);
  const family = readFamily(cursor);
  const protocols = readProtocols(cursor);
  return { line: cursor.line, interfaces, family, protocols, ...readFromTo(cursor) };
}

/** `anchor NAME [dir] [quick] [on …] …`; behind that, options of filters: none are known here. */
function readFilterAnchor(cursor: Cursor): AnchorRule {
  const name = cursor.string();
  const direction = cursor.takesOne(['in', 'out'] as const);
  const quick = cursor.takes('quick');
  return { kind: 'anchor', of: 'filter', name, direction, quick, ...readSelection(cursor) };
}

const ANCHORS = { 'rdr-anchor': 'rdr', 'nat-anchor': 'nat', 'binat-anchor': 'binat' } as const;

function readAnchor(cursor: Cursor, of: AnchorRule['of']): AnchorRule {
  const name = cursor.string();
  return { kind: 'anchor', of, name, direction: undefined, quick: false, ...readSelection(cursor) };
}

function readScrub(cursor: Cursor): void {
  cursor.takes('no');
  cursor.wants('scrub');
  cursor.takesOne(['in', 'out'] as const);
  cursor.takes('log');
  if (cursor.takes('quick')) cursor.fail("scrub rules do not support 'quick'");
  readSelection(cursor);
  while (!cursor.over) {
    if (cursor.takesOne(['no-df', 'random-id'] as const)) continue;
    if (cursor.takesOne(['min-ttl', 'max-mss'] as const)) cursor.number();
    else if (cursor.takes('reassemble')) {
      if (cursor.string() !== 'tcp') cursor.fail();
    } else if (cursor.takes('fragment')) {
      if (!cursor.takesOne(['reassemble', 'crop', 'drop-ovl'] as const)) cursor.fail();
    } else cursor.fail();
  }
}

function readTable(cursor: Cursor, readFile: (path: string) => string): [string, TableDefinition] {
  cursor.wants('<');
  const name = cursor.string();
  cursor.wants('>');
  if (name.length >= TABLE_NAME_SIZE) cursor.fail(`table name too long, max ${TABLE_NAME_SIZE - 1} chars`);
  const entries: TableEntry[] = [];
  let [persist, constant] = [false, false];
  while (!cursor.over) {
    if (cursor.takes('{')) {
      while (!cursor.takes('}')) {
        cursor.takes(',');
        entries.push(readListed(cursor));
      }
    } else if (cursor.takes('file')) {
      entries.push(...loaded(cursor, readFile, cursor.string()));
    } else {
      const option = cursor.string();
      if (option === 'persist') persist = true;
      else if (option === 'const') constant = true;
      else cursor.fail(`invalid table option '${option}'`);
    }
  }
  return [name, { line: cursor.line, persist, constant, entries }];
}

function readListed(cursor: Cursor): TableEntry {
  const mark = cursor.takes('!') ? '!' : '';
  const address = cursor.word();
  const prefix = cursor.takes('/') ? `/${cursor.number()}` : '';
  return readEntry(mark + address + prefix) ?? cursor.fail('could not parse host specification');
}

/** process_tabledef() of parse.y. */
function loaded(cursor: Cursor, readFile: (path: string) => string, path: string): TableEntry[] {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'No such file or directory' : 'Permission denied';
    return cursor.fail(`cannot load "${path}": ${reason}`);
  }
  return readTableFile(text) ?? cursor.fail(`cannot load "${path}": Invalid argument`);
}

function tablesIn(rule: AnchorRule | FilterRule | Ruleset['translation'][number] | undefined): string[] {
  const hosts: Host[] = rule ? [...rule.from.hosts, ...rule.to.hosts] : [];
  return hosts.flatMap((host) => (host.what === 'table' ? [host.name] : []));
}
