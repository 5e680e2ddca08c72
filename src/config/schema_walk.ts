/** Reads a schema as data: what it says about the value at a path. */
import * as v from 'valibot';
import { valueAt } from './document.ts';
import type { Path } from './jsonc.ts';

type Schema = v.GenericSchema;

/** What this module needs to know of the many kinds of schemas. */
interface Shape {
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly wrapped?: Schema;
  readonly item?: Schema;
  /** Of a record: whatever its keys are. */
  readonly value?: Schema;
  readonly options?: readonly (Schema | string)[];
  readonly pipe?: readonly unknown[];
  readonly requirement?: unknown;
  readonly literal?: unknown;
  /** Of a variant: the key that says which option is meant. */
  readonly key?: string;
  /** Of a lazy schema. */
  readonly getter?: (input: unknown) => Schema;
}

/** A schema without `optional` or `lazy` around it. */
function unwrapped(schema: Schema): Schema & Shape {
  const shape = schema as Schema & Shape;
  const inner = shape.wrapped ?? shape.getter?.(undefined);
  return inner ? unwrapped(inner) : shape;
}

/** The options of a union or a variant that are schemas; of a variant only the one that the value names, if it does. */
function optionsOf(schema: Schema, value: unknown): readonly Schema[] {
  const { type, options = [], key = '' } = unwrapped(schema);
  const all = options.filter((option) => typeof option !== 'string');
  if (type !== 'variant' || typeof value !== 'object' || value === null) return all;
  const name = (value as Readonly<Record<string, unknown>>)[key];
  const meant = all.filter((option) => unwrapped(entriesOf(option)![key]!).literal === name);
  return meant.length > 0 ? meant : all;
}

/**
 * The keys of an object's schema; of a union, those of the option that is an object. undefined for other schemas.
 * @param value what is there, which says which option is meant
 */
export function entriesOf(schema: Schema, value?: unknown): Readonly<Record<string, Schema>> | undefined {
  const { entries } = unwrapped(schema);
  if (entries) return entries;
  for (const option of optionsOf(schema, value)) {
    const entries = entriesOf(option, value);
    if (entries) return entries;
  }
  return undefined;
}

/**
 * @param value what is at the root, which says which options are meant
 * @returns undefined if the schema has no such place
 */
export function schemaAt(root: Schema, path: Path, value?: unknown): Schema | undefined {
  let schema: Schema | undefined = root;
  let here = value;
  for (const part of path) {
    schema = schema && schemaWithin(schema, part, here);
    here = valueAt(here, [part]);
  }
  return schema;
}

/** In a union: in the first option that has such a place. */
function schemaWithin(schema: Schema, part: string | number, here: unknown): Schema | undefined {
  const { type, key, entries, item, value } = unwrapped(schema);
  if (typeof part === 'number' && item) return item;
  if (typeof part === 'string' && entries) return Object.hasOwn(entries, part) ? entries[part] : undefined;
  if (typeof part === 'string' && value) return value;
  const options = optionsOf(schema, here);
  // What a variant is told apart by may be any of them.
  if (type === 'variant' && part === key && options.length > 1) {
    return v.picklist(options.map((option) => String(unwrapped(entriesOf(option)![part]!).literal)));
  }
  for (const option of options) {
    const within = schemaWithin(option, part, here);
    if (within) return within;
  }
  return undefined;
}

/** Places that have a list where an object belongs: to the schema library a list is an object with numbers as keys. */
export function listsForObjects(root: Schema, whole: unknown, path: Path = []): Path[] {
  const value = valueAt(whole, path);
  if (typeof value !== 'object' || value === null) return [];
  const schema = schemaAt(root, path, whole);
  if (!schema) return [];
  if (Array.isArray(value) && !hasItems(schema)) {
    return entriesOf(schema) || unwrapped(schema).value ? [path] : [];
  }
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => listsForObjects(root, whole, [...path, key]));
}

function hasItems(schema: Schema): boolean {
  const { item, options = [] } = unwrapped(schema);
  return item !== undefined || options.some((option) => typeof option !== 'string' && hasItems(option));
}

/** What the value at a path is for. Empty if nobody has said it. */
export function descriptionOf(root: Schema, path: Path): string {
  const schema = schemaAt(root, path);
  if (!schema) return '';
  const shape = unwrapped(schema);
  return v.getDescription(shape) ?? (v.getMetadata(shape)['description'] as string | undefined) ?? '';
}

/** Marked so in the schema itself; text that a union's option marks so is secret too. */
export function isSecret(schema: Schema): boolean {
  const shape = unwrapped(schema);
  if (v.getMetadata(shape)['writeOnly'] === true) return true;
  return (shape.options ?? []).some((option) => typeof option !== 'string' && isSecret(option));
}

/** The texts that a value may be, if it is a choice of some. */
export function choicesOf(schema: Schema): readonly string[] {
  const { type, options = [], literal } = unwrapped(schema);
  if (type === 'literal') return [String(literal)];
  return type === 'picklist' ? options.filter((option) => typeof option === 'string') : [];
}

export function isNumber(schema: Schema): boolean {
  return unwrapped(schema).type === 'number';
}

/** What a value must be, in words. */
export function expectedOf(schema: Schema): string {
  const shape = unwrapped(schema);
  const title = v.getTitle(shape) ?? v.getMetadata(shape)['title'];
  if (typeof title === 'string') return title;
  switch (shape.type) {
    case 'picklist':
      return `one of ${(shape.options ?? []).map((option) => JSON.stringify(option)).join(', ')}`;
    case 'literal':
      return JSON.stringify(shape.literal);
    case 'number':
      return `a whole number, ${requirement(shape, 'min_value')} to ${requirement(shape, 'max_value')}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return 'a text';
    case 'array':
      return 'a list';
    case 'union':
      return (shape.options as readonly Schema[]).map(expectedOf).join(' or ');
    default:
      return 'an object { … }';
  }
}

function requirement(shape: Shape, type: string): string {
  const action = (shape.pipe as readonly Shape[] | undefined)?.find((step) => step.type === type);
  return String(action?.requirement);
}
