/** What a command loads before it does anything: `check` and `version` must not open libraries. */
import { describe, expect, test } from 'bun:test';

const ROOT = new URL('../../', import.meta.url).pathname;
const transpiler = new Bun.Transpiler({ loader: 'ts' });

/** The module and all that it imports statically, as paths below the root; packages by their names. */
async function closure(entry: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  if (!entry.endsWith('.ts')) return seen;
  for (const { path, kind } of transpiler.scanImports(await Bun.file(ROOT + entry).text())) {
    if (kind !== 'import-statement') continue;
    const isFile = path.startsWith('.');
    await closure(isFile ? new URL(path, `file:///${entry}`).pathname.slice(1) : path, seen);
  }
  return seen;
}

describe('statically imported', () => {
  test.each([
    'src/main.ts',
    'src/cli/snet.ts',
    'src/cli/run.ts',
    'src/cli/check.ts',
    'src/cli/clean.ts',
    'src/cli/update.ts',
    'src/cli/demo.ts',
    'src/cli/version.ts',
  ])('by %s is nothing of the rooms, and no FFI', async (entry) => {
    const modules = [...(await closure(entry))];
    const heavy = modules.filter(
      (path) =>
        !/^(?:src\/(?:main|cli|config|base|net)\b|package\.json$|citty$|consola\/core$|valibot$|node:)/.test(
          path,
        ),
    );
    expect(heavy).toEqual([]);
  });

  test.each(['src/main.ts', 'src/cli/version.ts'])('by %s is no package but citty, if any', async (entry) => {
    const modules = [...(await closure(entry))];
    const packages = modules.filter((path) => !/^src\/|^node:|^package\.json$/.test(path));
    expect(packages.filter((name) => name !== 'citty')).toEqual([]);
  });
});
