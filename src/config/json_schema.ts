/**
 * What is generated from the schema: docs/config.schema.json, for editors, and the table of keys in docs/config.md.
 * `bun src/config/json_schema.ts` writes both. Not part of the program: the converter is a development dependency.
 */
import { toJsonSchema } from '@valibot/to-json-schema';
import { FILE } from './schema.ts';
import { DEFINITIONS } from './upstream_schema.ts';

/** As much of JSON Schema (draft 7) as is used here. */
interface Node {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
}

/** The text of docs/config.schema.json. */
export function renderJsonSchema(): string {
  const schema = toJsonSchema(FILE, { typeMode: 'input', definitions: DEFINITIONS });
  return `${JSON.stringify({ title: 'Configuration of snet', ...schema }, undefined, 2)}\n`;
}

const BEGIN = '<!-- keys: written by src/config/json_schema.ts -->';
const END = '<!-- end of keys -->';

/** The page with its table of keys renewed. @throws Error if the page has lost the marks around it */
export function renewTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page must have ${BEGIN} and, below it, ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${renderTable()}\n${page.slice(end)}`;
}

function renderTable(): string {
  const root = JSON.parse(renderJsonSchema()) as Node;
  const rows = merged([...rowsOf(root, new References(root), '', undefined)]);
  return [
    '| key | value | default | |',
    '|---|---|---|---|',
    ...rows.map(({ key, kind, fallback, text }) => `| \`${key}\` | ${kind} | ${fallback} | ${text} |`),
  ].join('\n');
}

/** What a node means that only names another; a name that has a title here is not looked up. */
class References {
  readonly #definitions: Readonly<Record<string, Node>>;

  constructor({ $defs = {} }: Node) {
    this.#definitions = $defs;
  }

  of(node: Node): Node {
    if (node.$ref === undefined || node.title !== undefined) return node;
    return { ...this.#definitions[node.$ref.replace('#/$defs/', '')]!, ...node };
  }
}

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly fallback: string;
  readonly text: string;
  /** Of objects that are told apart by it. */
  readonly type: string | undefined;
}

function* rowsOf(node: Node, all: References, prefix: string, type: string | undefined): Generator<Row> {
  for (const [name, written] of Object.entries(node.properties ?? {})) {
    const inner = all.of(written);
    const key = `${prefix}${name}`;
    if (!inner.properties) {
      const fallback = inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
      yield {
        key,
        kind: kindOf(inner, all),
        fallback: node.required?.includes(name) ? 'required' : fallback,
        text: inner.description ?? '',
        type,
      };
    }
    for (const option of [inner, ...optionsOf(inner, all)]) {
      yield* rowsOf(option, all, `${key}.`, typeOf(option) ?? type);
    }
    const item = inner.items && all.of(inner.items);
    for (const option of item ? [item, ...optionsOf(item, all)] : []) {
      yield* rowsOf(option, all, `${key}[].`, typeOf(option) ?? type);
    }
  }
}

/** Those of options within options, too. */
function optionsOf({ anyOf = [], oneOf = [] }: Node, all: References): Node[] {
  return [...anyOf, ...oneOf]
    .map((option) => all.of(option))
    .flatMap((option) => [option, ...optionsOf(option, all)]);
}

function typeOf({ properties }: Node): string | undefined {
  const type = properties?.['type']?.const;
  return typeof type === 'string' ? type : undefined;
}

/** One row for what objects of several types have alike; which they are stands before what it is for. */
function merged(rows: readonly Row[]): Row[] {
  const alike = Map.groupBy(rows, ({ key, kind, fallback, text, type }) =>
    type === undefined || key.endsWith('.type') ? key : [key, kind, fallback, text].join('\0'),
  );
  return [...alike.values()].map((group) => {
    const first = group[0]!;
    if (first.type === undefined) return first;
    if (first.key.endsWith('.type')) return { ...first, kind: group.map(({ kind }) => kind).join(', ') };
    return { ...first, text: `${group.map(({ type }) => type).join(', ')}: ${first.text}` };
  });
}

function kindOf(node: Node, all: References): string {
  if (node.title !== undefined) return node.title;
  const options = [...(node.anyOf ?? []), ...(node.oneOf ?? [])];
  if (options.length > 0) {
    return [...new Set(options.map((option) => kindOf(all.of(option), all)))].join(' or ');
  }
  if (node.enum) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.items) return `a list, each ${kindOf(all.of(node.items), all)}`;
  if (node.minimum !== undefined) return `a whole number, ${node.minimum} to ${node.maximum}`;
  if (node.type === 'boolean') return '`true`, `false`';
  return node.type === 'object' ? 'an object' : 'a text';
}

if (import.meta.main) {
  const docs = new URL('../../docs/', import.meta.url).pathname;
  await Bun.write(`${docs}config.schema.json`, renderJsonSchema());
  await Bun.write(`${docs}config.md`, renewTable(await Bun.file(`${docs}config.md`).text()));
}
