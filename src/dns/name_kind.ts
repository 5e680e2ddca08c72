/** Which kind of name one is: whose resolvers are to be asked. */
import { findIn, rankIn } from './lists/domain_list.ts';
import type { LoadedList } from './lists/load.ts';
import { isLocal, type LocalNames } from './local_names.ts';
import type { Kind } from './split.ts';

export interface KnownNames {
  /** See local_names.ts. */
  readonly local: LocalNames;
  /** The configuration's own names, its lists, the built-in ones: each pair is asked only of what those before it don't know. */
  readonly lists: readonly ListPair[];
}

export interface ListPair {
  readonly china: LoadedList;
  readonly foreign: LoadedList;
}

export interface NameKind {
  readonly kind: Kind;
  /** The list that knows it. */
  readonly list: LoadedList | undefined;
}

/**
 * Local names are local, whatever lists say. Else the more specific entry of a pair of lists counts; of two that are
 * equally specific the foreign one, which doesn't show the name to anybody in China. What a list excepts is in no later
 * list of its kind either.
 */
export function kindOf({ local, lists }: KnownNames, name: string): NameKind {
  if (isLocal(local, name)) return LOCAL;
  let mayBeChinese = true;
  let mayBeForeign = true;
  for (const { china, foreign } of lists) {
    const chinese = mayBeChinese ? rankIn(china, name) : 0;
    const abroad = mayBeForeign ? rankIn(foreign, name) : 0;
    if (abroad > 0 && abroad >= chinese) return { kind: 'foreign', list: foreign };
    if (chinese > 0) return { kind: 'china', list: china };
    mayBeChinese &&= !china.exceptions.has(name);
    mayBeForeign &&= !foreign.exceptions.has(name);
  }
  return UNKNOWN;
}

const LOCAL: NameKind = { kind: 'local', list: undefined };
const UNKNOWN: NameKind = { kind: 'unknown', list: undefined };

/** What made a name of its kind, for a person: `*.example.com of /etc/snet/china.txt`. */
export function explainKind({ local }: KnownNames, name: string, { kind, list }: NameKind): string {
  if (list !== undefined) return explainEntry(list, name);
  if (kind === 'unknown') return 'in no list';
  return local.find(name)?.entry ?? 'a single label';
}

/** The entry of a list that a name falls under, and where that was read. */
export function explainEntry(list: LoadedList, name: string): string {
  const found = findIn(list, name);
  return found === undefined ? 'in no list' : `${found.entry} of ${list.locations[found.source]}`;
}
