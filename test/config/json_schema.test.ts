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
  const visit = (
    node: { properties?: Record<string, object>; anyOf?: object[]; description?: string },
    path: string,
  ) => {
    for (const [key, inner] of Object.entries(node.properties ?? {})) {
      if (!('description' in inner)) undescribed.push(`${path}${key}`);
      visit(inner, `${path}${key}.`);
    }
    for (const option of node.anyOf ?? []) visit(option, path);
  };
  visit(JSON.parse(renderJsonSchema()) as object, '');
  expect(undescribed).toEqual([]);
});
