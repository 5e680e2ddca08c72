/** What one line of a list says. */
import type { DomainEntry } from '../../net/domain_set.ts';
import { normalName } from './name.ts';

export interface ListRule extends DomainEntry {
  /** It takes names out of the list: wherever it stands, and however specific what put them in. */
  readonly exception: boolean;
}

/** Rules; nothing for a comment. */
export type Reading =
  | readonly ListRule[]
  /** Of a form that is known, but not about names alone: a rule for parts of pages, a regular expression. */
  | 'ignored'
  | Unreadable;

export interface Unreadable {
  /** For a person, after "line N: ". */
  readonly why: string;
}

/** What names in front of which nothing stands mean. */
export type PlainMeaning = 'exact' | 'suffix';

export const NOTHING: readonly ListRule[] = [];

/** `name`, `.name` and `*.name`; the last two are always suffixes. @returns undefined if it is none of them */
export function readPattern(text: string, plain: PlainMeaning): DomainEntry | undefined {
  const prefix = text.startsWith('*.') ? 2 : text.startsWith('.') ? 1 : 0;
  const name = normalName(text.slice(prefix));
  return name === undefined ? undefined : { name, suffix: prefix > 0 || plain === 'suffix' };
}

export function plainRule(text: string, plain: PlainMeaning, exception = false): Reading {
  const entry = readPattern(text, plain);
  if (entry !== undefined) return [{ ...entry, exception }];
  if (text.includes('*')) return { why: 'a wildcard can only stand in front, as in *.example.com' };
  return { why: /\s/.test(text) ? 'more than a name' : 'not a domain name' };
}
