/** Reads a schema as data: what it says about the value at a path. */
import * as v from 'valibot';
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
}

/** A schema without `optional` around it. */
function unwrapped(schema: Schema): Schema & Shape {
  const shape = schema as Schema & Shape;
  return shape.wrapped ? unwrapped(shape.wrapped) : shape;
}

/** The keys of an object's schema; of a union, those of the option that is an object. undefined for other schemas. */
export function entriesOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const shape = unwrapped(schema);
  if (shape.entries) return shape.entries;
  for (const option of shape.options ?? []) {
    const entries = typeof option === 'string' ? undefined : entriesOf(option);
    if (entries) return entries;
  }
  return undefined;
}

/** @returns undefined if the schema has no such place */
export function schemaAt(root: Schema, path: Path): Schema | undefined {
  return path.reduce<Schema | undefined>((at, part) => at && schemaWithin(at, part), root);
}

/** In a union: in the first option that has such a place. */
function schemaWithin(schema: Schema, part: string | number): Schema | undefined {
  const { entries, item, value, options = [] } = unwrapped(schema);
  if (typeof part === 'number' && item) return item;
  if (typeof part === 'string' && entries) return Object.hasOwn(entries, part) ? entries[part] : undefined;
  if (typeof part === 'string' && value) return value;
  for (const option of options) {
    const within = typeof option === 'string' ? undefined : schemaWithin(option, part);
    if (within) return within;
  }
  return undefined;
}

/** Places that have a list where an object belongs: to the schema library a list is an object with numbers as keys. */
export function listsForObjects(root: Schema, value: unknown, path: Path = []): Path[] {
  const schema = schemaAt(root, path);
  const isForObject = schema && (entriesOf(schema) || unwrapped(schema).value) && !hasItems(schema);
  if (!isForObject || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => listsForObjects(root, inner, [...path, key]));
}

function hasItems(schema: Schema): boolean {
  const { item, options = [] } = unwrapped(schema);
  return item !== undefined || options.some((option) => typeof option !== 'string' && hasItems(option));
}

/** What the value at a path is for. Empty if nobody has said it. */
export function descriptionOf(root: Schema, path: Path): string {
  const schema = schemaAt(root, path);
  return (schema && v.getDescription(unwrapped(schema))) ?? '';
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
