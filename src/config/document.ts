/** Values as they were written, and by whom: what the file, the environment and the command line say, laid over each other. */
import { pathKey, type Path } from './jsonc.ts';

/** Where a value came from, as messages say it. */
export interface Origin {
  /** `file:line:column`, a flag, or the name of an environment variable. */
  readonly where: string;
  /** The key as it stands there; undefined where `where` says all. */
  readonly key: string | undefined;
}

export interface Document {
  readonly value: unknown;
  /** Of the value at a path, or of what it is missing from. */
  originOf(path: Path): Origin;
}

/** A value that was given outside of the file. A list's items are added to those of the file. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly where: string;
}

/** `listen.port`, `bypass[2]`. */
export function dotted(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** The document with values replaced. Overrides of what lies within something that is no object are dropped: that is a problem of its own. */
export function overlay(document: Document, overrides: readonly Override[]): Document {
  if (!isObject(document.value)) return document;
  const value = structuredClone(document.value);
  const origins = new Map<string, Origin>();
  for (const override of overrides) {
    const parent = objectAt(value, override.path.slice(0, -1));
    const key = override.path.at(-1)!;
    if (!parent) continue;
    const origin = { where: override.where, key: undefined };
    if (!Array.isArray(override.value)) {
      parent[key] = override.value;
      origins.set(pathKey(override.path), origin);
      continue;
    }
    const list = (parent[key] ??= []);
    if (!Array.isArray(list)) continue;
    for (const item of override.value) {
      origins.set(pathKey([...override.path, list.length]), origin);
      list.push(item);
    }
  }
  return { value, originOf: (path) => origins.get(pathKey(path)) ?? document.originOf(path) };
}

/** The object at a path; missing ones are made on the way. */
function objectAt(
  root: Record<string, unknown>,
  path: readonly string[],
): Record<string, unknown> | undefined {
  let at = root;
  for (const key of path) {
    const next = (at[key] ??= {});
    if (!isObject(next)) return undefined;
    at = next;
  }
  return at;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
