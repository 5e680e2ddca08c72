/** Every block of configuration that the documentation shows is one that the program takes. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { loadText } from '../../src/config/load.ts';
import { EXIT } from '../../src/cli/exit.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGES = ['README.md', 'docs/**/*.md'].flatMap((glob) => [...new Bun.Glob(glob).scanSync(ROOT)].sort());

const blocks = PAGES.flatMap((page) => {
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  return [...text.matchAll(/^```jsonc\n(.*?)^```$/gms)].map((match) => ({
    where: `${page}:${text.slice(0, match.index).split('\n').length}`,
    text: match[1]!,
  }));
});

describe('the documentation', () => {
  test('has blocks of configuration', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  test.each(blocks)('$where is a configuration', ({ where, text }) => {
    expect(loadText({ name: where, text }).warnings).toEqual([]);
  });

  test('has the table of exit codes as it is', async () => {
    const page = await Bun.file(`${ROOT}docs/config.md`).text();
    const rows = Object.values(EXIT).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
    expect(page).toContain(rows.join('\n'));
  });
});
