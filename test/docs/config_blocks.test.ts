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

  test('names the variables that make soaks and other tests longer', async () => {
    const tests = [...new Bun.Glob('test/{e2e,ffi,upstream}/**/*.ts').scanSync(ROOT)];
    const texts = await Promise.all(tests.map((path) => Bun.file(ROOT + path).text()));
    const names = texts.flatMap((text) =>
      [...text.matchAll(/process\.env\['(SNET_\w+)'\]/g)].map(([, name]) => name!),
    );
    const readme = await Bun.file(`${ROOT}README.md`).text();
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !readme.includes(`\`${name}=`))).toEqual([]);
  });

  test('has the table of exit codes as it is', async () => {
    const page = await Bun.file(`${ROOT}docs/config.md`).text();
    const rows = Object.values(EXIT).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
    expect(page).toContain(rows.join('\n'));
  });
});
