/** What the schema found wrong, as problems for a person. Values of secret keys are never shown. */
import * as v from 'valibot';
import { dotted, type Document } from './document.ts';
import { DURATION_FORM } from './duration.ts';
import type { Problem } from './error.ts';
import type { Path } from './jsonc.ts';
import { shown } from './leaf.ts';
import { didYouMean } from './nearest.ts';
import {
  entriesOf,
  choicesOf,
  expectedOf,
  isNumber,
  isSecret,
  listsForObjects,
  schemaAt,
} from './schema_walk.ts';

type Issue = v.BaseIssue<unknown>;
type Schema = v.GenericSchema;

/** Keys of other formats that people bring along, and what they are called here. */
export type Renamed = ReadonlyMap<string, string>;

/** One problem a place, in the order of the schema. */
export function problemsOf(
  schema: Schema,
  document: Document,
  issues: readonly Issue[],
  renamed: Renamed,
): Problem[] {
  const problems = new Map<string, Problem>();
  const lists = listsForObjects(schema, document.value);
  for (const path of lists) {
    const expected = expectedHere(schemaAt(schema, path, document.value), undefined);
    problems.set(dotted(path), { ...document.originOf(path), found: 'a list', expected });
  }
  for (const issue of issues.flatMap((each) => flatten(each, []))) {
    for (const [path, problem] of problemsOfIssue(schema, document, issue, renamed)) {
      if (lists.some((list) => list.every((part, i) => part === path[i]))) continue;
      const key = dotted(path);
      // A fraction below the minimum is one problem, not two.
      if (!problems.has(key)) problems.set(key, problem);
    }
  }
  return [...problems.values()];
}

interface Located {
  readonly issue: Issue;
  readonly path: Path;
}

/** A union reports the issues of all its options: those of the one that was meant. An object's is not meant by a list. */
function flatten(issue: Issue, base: Path): Located[] {
  const path = [...base, ...(issue.path ?? []).map((item) => item.key as string | number)];
  const isList = Array.isArray(issue.input);
  const meant = (issue.issues ?? []).filter(
    (sub) => sub.kind !== 'schema' || (sub.path !== undefined && !(isList && sub.path[0].type === 'object')),
  );
  if (meant.length === 0) return [{ issue, path }];
  return meant.flatMap((sub) => flatten(sub, path));
}

function* problemsOfIssue(
  schema: Schema,
  document: Document,
  { issue, path }: Located,
  renamed: Renamed,
): Generator<[Path, Problem]> {
  const last = issue.path?.at(-1);
  if (issue.type === 'strict_object' && issue.expected === 'never' && last) {
    yield* unknownKeys(schema, document, path.slice(0, -1), last.input as object, renamed);
    return;
  }
  const here = schemaAt(schema, path, document.value);
  const secret = here !== undefined && isSecret(here);
  const isLeaf = issue.type === 'raw_transform';
  const value = last?.origin === 'key' ? undefined : issue.input;
  const { where, key } = document.originOf(path);
  const problem: Problem = {
    where,
    key,
    found: isLeaf ? issue.received : secret ? hidden(value) : shown(value),
    expected: isLeaf ? (issue.expected ?? 'something else') : expectedHere(here, value),
    hint: isLeaf ? issue.message || undefined : hintFor(here, value, secret),
  };
  yield [path, problem];
}

function* unknownKeys(
  schema: Schema,
  document: Document,
  path: Path,
  object: object,
  renamed: Renamed,
): Generator<[Path, Problem]> {
  const here = schemaAt(schema, path, document.value);
  const known = Object.keys((here && entriesOf(here, object)) ?? {});
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    const { where, key } = document.originOf([...path, name]);
    const now = renamed.get(name);
    const hint = now === undefined ? didYouMean(name, known) : `here it is ${now}`;
    yield [
      [...path, name],
      { where, key, found: 'an unknown key', expected: `one of ${known.join(', ')}`, hint },
    ];
  }
}

/** Says the kind of a value and nothing more. */
function hidden(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'object') return shown(value);
  return value === '' ? 'an empty text' : `a ${typeof value}`;
}

function expectedHere(schema: Schema | undefined, value: unknown): string {
  if (!schema) return 'something else';
  const expected = expectedOf(schema);
  return value === '' && expected === 'a text' ? 'a text that is not empty' : expected;
}

function hintFor(schema: Schema | undefined, value: unknown, secret: boolean): string | undefined {
  if (secret || !schema) return undefined;
  if (typeof value === 'string') {
    const near = didYouMean(value, choicesOf(schema));
    return near ?? (isNumber(schema) && /^\d+$/.test(value) ? 'write the number without quotes' : undefined);
  }
  const isDuration = expectedOf(schema) === DURATION_FORM;
  return isDuration && typeof value === 'number' ? `write "${value}s" for seconds` : undefined;
}
