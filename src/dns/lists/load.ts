/** From the lists of the configuration to sets of names. What is wrong with a list is told; the rest of it is used. */
import { setImmediate } from 'node:timers/promises';
import { domainSet, NO_DOMAINS } from '../../net/domain_set.ts';
import { BUILTIN_CHINA } from './builtin_china.ts';
import { BUILTIN_FOREIGN } from './builtin_foreign.ts';
import { cachedList, isUrl } from './cached.ts';
import { domainListBuilder, type DomainList } from './domain_list.ts';
import { noFindings, parseList, type Findings } from './parse.ts';
import { readListFile } from './read.ts';
import type { PlainMeaning } from './rule.ts';

/** What a list is for. */
export type ListUse = 'china' | 'foreign' | 'block';

/**
 * What a bare name means: lists of sites mean all below it (as chinadns-ng does); who blocks a name blocks that name
 * (as the Go program, hosts files and Pi-hole do).
 */
const PLAIN_MEANING: Readonly<Record<ListUse, PlainMeaning>> = {
  china: 'suffix',
  foreign: 'suffix',
  block: 'exact',
};

/** The lists for one use, read into one. */
export interface LoadedList extends DomainList {
  /** Where it came from, by {@link DomainMatch.source}. */
  readonly locations: readonly string[];
}

export interface LoadedLists {
  readonly china: LoadedList;
  readonly foreign: LoadedList;
  readonly block: LoadedList;
  /** For a person: one line each. */
  readonly warnings: readonly string[];
}

export interface ListLocations {
  /** Absolute paths and https URLs. */
  readonly china: readonly string[];
  readonly foreign: readonly string[];
  readonly block: readonly string[];
}

/** After so many names others get a turn: about 5 ms. */
const TURN = 4096;

/**
 * Reads all lists, a URL's from where `snet update` has put it. Never throws for what a list is or isn't; the program
 * goes on with other work meanwhile.
 */
export async function loadLists(locations: ListLocations, stateDirectory: string): Promise<LoadedLists> {
  const warnings: string[] = [];
  const load = (use: ListUse) => loadList(locations[use], use, stateDirectory, warnings);
  // One after the other: the text of only one is in memory at a time.
  return { china: await load('china'), foreign: await load('foreign'), block: await load('block'), warnings };
}

async function loadList(
  locations: readonly string[],
  use: ListUse,
  stateDirectory: string,
  warnings: string[],
): Promise<LoadedList> {
  const builder = domainListBuilder();
  for (const [source, location] of locations.entries()) {
    const path = isUrl(location) ? cachedList(stateDirectory, location) : location;
    const findings = noFindings();
    try {
      const text = await readListFile(path);
      for (const rule of parseList(text, PLAIN_MEANING[use], findings)) {
        builder.add(rule, source);
        if (findings.rules % TURN === 0) await setImmediate();
      }
      warnings.push(...complaints(location, findings));
    } catch (error) {
      warnings.push(unreadable(location, error));
    }
  }
  return { ...builder.build(), locations };
}

function unreadable(location: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return isUrl(location)
      ? `${location}: not fetched yet, not used: run snet update`
      : `${location}: no such list file, not used`;
  }
  return `${location}: the list can't be read, not used: ${message}`;
}

/** What is wrong with a list, a line each; nothing if all is well. */
function complaints(location: string, { rules, bad, shown }: Findings): string[] {
  const lines = shown.map(
    ({ line, text, why }) => `${location}:${line}: ${why}, left out: ${JSON.stringify(text)}`,
  );
  if (bad > shown.length) lines.push(`${location}: ${bad - shown.length} more such lines`);
  if (rules === 0) lines.push(`${location}: no name in it`);
  return lines;
}

/** The names that are known without any list. Make it once. */
export function builtinLists(): { readonly china: LoadedList; readonly foreign: LoadedList } {
  return { china: builtinList(BUILTIN_CHINA), foreign: builtinList(BUILTIN_FOREIGN) };
}

function builtinList(suffixes: readonly string[]): LoadedList {
  const names = domainSet(suffixes.map((name) => ({ name, suffix: true })));
  return { names, exceptions: NO_DOMAINS, locations: ['built in'] };
}
