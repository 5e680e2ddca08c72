import { expect, test } from 'bun:test';
import { renderJsonSchema, renewTable } from '../../src/config/json_schema.ts';

const docs = new URL('../../docs/', import.meta.url).pathname;

test('docs/config.schema.json is current (else: bun src/config/json_schema.ts)', async () => {
  expect(await Bun.file(`${docs}config.schema.json`).text()).toBe(renderJsonSchema());
});

test('the table of keys in docs/config.md is current (else: bun src/config/json_schema.ts)', async () => {
  const page = await Bun.file(`${docs}config.md`).text();
  expect(page).toBe(renewTable(page));
});

test('every key says what it is for', () => {
  const undescribed: string[] = [];
  interface Node {
    properties?: Record<string, Node>;
    anyOf?: Node[];
    oneOf?: Node[];
    items?: Node;
    $defs?: Record<string, Node>;
    description?: string;
  }
  const visit = (node: Node, path: string) => {
    for (const [key, inner] of Object.entries(node.properties ?? {})) {
      if (!('description' in inner)) undescribed.push(`${path}${key}`);
      visit(inner, `${path}${key}.`);
    }
    for (const [key, inner] of Object.entries(node.$defs ?? {})) visit(inner, `${key}: `);
    const { anyOf = [], oneOf = [], items } = node;
    for (const option of [...anyOf, ...oneOf, ...(items ? [items] : [])]) visit(option, path);
  };
  visit(JSON.parse(renderJsonSchema()) as Node, '');
  expect(undescribed).toEqual([]);
});

test('what the JSON Schema refers to is there', () => {
  const text = renderJsonSchema();
  const { $defs } = JSON.parse(text) as { $defs: object };
  const references = [...text.matchAll(/"\$ref": "#\/\$defs\/(\w+)"/g)].map(([, name]) => name!);
  expect(references.length).toBeGreaterThan(8);
  expect(Object.keys($defs)).toEqual(expect.arrayContaining(references));
});
