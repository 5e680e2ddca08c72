/** Every block of configuration that the documentation shows is one that the program takes. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { loadText } from '../../src/config/load.ts';
import { loadServerText, serverOf } from '../../src/config/load_server.ts';
import { EXIT } from '../../src/cli/exit.ts';
import { server } from '../../src/cli/server.ts';
import { composeServer } from '../../src/cli/server_flags.ts';
import { checkArguments } from '../../src/cli/strict.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGES = ['README.md', 'docs/**/*.md'].flatMap((glob) => [...new Bun.Glob(glob).scanSync(ROOT)].sort());

const blocks = PAGES.flatMap((page) => {
  const text = readFileSync(`${ROOT}${page}`, 'utf8');
  return [...text.matchAll(/^```jsonc\n(.*?)^```$/gms)].map((match) => ({
    where: `${page}:${text.slice(0, match.index).split('\n').length}`,
    text: match[1]!,
  }));
});

const isServer = (text: string) => text.includes('"server": {') && !text.includes('"upstream"');

/** As they are typed, without what stands in front of the program's name. */
const serverCommands = PAGES.flatMap((page) =>
  [...readFileSync(`${ROOT}${page}`, 'utf8').matchAll(/^\$ .*?(snet server\b[^#\n]*)/gm)].map((match) =>
    match[1]!.trim(),
  ),
);

describe('the documentation', () => {
  test('has command lines of the server', () => {
    expect(serverCommands.length).toBeGreaterThan(3);
  });

  test('has blocks of configuration', () => {
    expect(blocks.length).toBeGreaterThan(0);
  });

  test.each(blocks.filter(({ text }) => !isServer(text)))('$where is a configuration', ({ where, text }) => {
    expect(loadText({ name: where, text }).warnings).toEqual([]);
  });

  test.each(blocks.filter(({ text }) => isServer(text)))('$where is a far end', ({ where, text }) => {
    expect(loadServerText({ name: where, text }).listeners.length).toBeGreaterThan(0);
  });

  test.each(serverCommands)('%s is a command line that is taken', (command) => {
    const argv = command.split(' ').slice(2);
    const { lists } = checkArguments(argv, server.args, server.repeatable);
    if (lists.has('config')) return;
    const value = (name: string) => lists.get(name)?.[0];
    const allowPrivate = argv.includes('--allow-private');
    const users = lists.get('user') ?? [];
    const flags = {
      method: value('method'),
      listen: value('listen'),
      ports: value('ports'),
      users,
      allowPrivate,
    };
    const { document } = composeServer(flags, { SNET_PASSWORD: 'p'.repeat(43) });
    expect(serverOf(document, '/').listeners).toHaveLength(1);
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
