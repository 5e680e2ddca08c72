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

/** A value that was given outside of the file. A list's items are added to those of the file, unless it replaces them. */
export interface Override {
  readonly path: readonly string[];
  readonly value: unknown;
  /** Of several items that replace others, with the number of the item behind it. */
  readonly where: string;
  readonly replaces?: true;
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
    if (override.replaces || !Array.isArray(override.value)) {
      parent[key] = override.value;
      origins.set(pathKey(override.path), origin);
      const items: readonly unknown[] = Array.isArray(override.value) ? override.value : [];
      for (const i of items.keys()) {
        const where = items.length > 1 ? `${override.where} ${i + 1}` : override.where;
        origins.set(pathKey([...override.path, i]), { ...origin, where });
      }
      continue;
    }
    const list = (parent[key] ??= []);
    if (!Array.isArray(list)) continue;
    for (const item of override.value) {
      origins.set(pathKey([...override.path, list.length]), origin);
      list.push(item);
    }
  }
  const originOf: Document['originOf'] = (path) => {
    // What lies within a value comes from where the value does.
    for (let length = path.length; length > 0; length--) {
      const origin = origins.get(pathKey(path.slice(0, length)));
      if (origin) return origin;
    }
    return document.originOf(path);
  };
  return { value, originOf };
}

/** What stands at a path; undefined: nothing. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === 'object' && at !== null
        ? (at as Readonly<Record<string | number, unknown>>)[part]
        : undefined,
    root,
  );
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
