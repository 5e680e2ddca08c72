/**
 * What is generated from the schema: docs/config.schema.json, for editors, and the table of keys in docs/config.md.
 * `bun src/config/json_schema.ts` writes both. Not part of the program: the converter is a development dependency.
 */
import { toJsonSchema } from '@valibot/to-json-schema';
import { FILE } from './schema.ts';

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
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
}

/** The text of docs/config.schema.json. */
export function renderJsonSchema(): string {
  const schema = toJsonSchema(FILE, { typeMode: 'input' });
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
  const rows = [...rowsOf(JSON.parse(renderJsonSchema()) as Node, '')];
  return ['| key | value | default | |', '|---|---|---|---|', ...rows].join('\n');
}

function* rowsOf(node: Node, prefix: string): Generator<string> {
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    const key = `${prefix}${name}`;
    if (!inner.properties) {
      const fallback = inner.default === undefined ? '' : `\`${JSON.stringify(inner.default)}\``;
      const optional = node.required?.includes(name) ? 'required' : fallback;
      yield `| \`${key}\` | ${kindOf(inner)} | ${optional} | ${inner.description ?? ''} |`;
    }
    for (const option of [inner, ...(inner.anyOf ?? [])]) yield* rowsOf(option, `${key}.`);
  }
}

function kindOf(node: Node): string {
  if (node.title !== undefined) return node.title;
  if (node.anyOf) return node.anyOf.map(kindOf).join(' or ');
  if (node.enum) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.items) return `a list, each ${kindOf(node.items)}`;
  if (node.minimum !== undefined) return `a whole number, ${node.minimum} to ${node.maximum}`;
  if (node.type === 'boolean') return '`true`, `false`';
  return node.type === 'object' ? 'an object' : 'a text';
}

if (import.meta.main) {
  const docs = new URL('../../docs/', import.meta.url).pathname;
  await Bun.write(`${docs}config.schema.json`, renderJsonSchema());
  await Bun.write(`${docs}config.md`, renewTable(await Bun.file(`${docs}config.md`).text()));
}
