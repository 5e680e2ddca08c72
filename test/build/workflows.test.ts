/** What GitHub runs can't be run here: at least it names what there is, and nothing that another may change. */
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { TARGETS } from '../../build.ts';
import { scripts } from '../../package.json';

const TOP = new URL('../../', import.meta.url).pathname;
const FILES = [...new Bun.Glob('.github/workflows/*.yml').scanSync({ cwd: TOP, dot: true })].toSorted();

describe.each(FILES)('%s', (file) => {
  const text = () => Bun.file(TOP + file).text();
  const matches = async (pattern: RegExp) => [...(await text()).matchAll(pattern)].map(([, found]) => found!);

  test('takes actions by the hash of a commit, and says which version that is', async () => {
    const uses = await matches(/^\s*- uses: (.*)$/gm);
    expect(uses).not.toEqual([]);
    expect(uses.filter((each) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(each))).toEqual([]);
  });

  test('may read the repository and nothing else', async () => {
    expect(await text()).toContain('\npermissions:\n  contents: read\n');
    expect(await text()).not.toMatch(/: write\b/);
  });

  test('runs scripts and files that there are, for targets that there are', async () => {
    const names = await matches(/\bnpm (?:run )?(setup|test|build|[a-z]+)\b/g);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
    expect(
      (await matches(/\b((?:src|test)\/[\w/]+\.ts)\b/g)).filter((path) => !existsSync(TOP + path)),
    ).toEqual([]);
    const targets = new Set([
      ...(await matches(/--target (\S+)/g)),
      ...(await matches(/^\s+target: (\S+)$/gm)),
    ]);
    expect([...targets].filter((name) => !TARGETS.some((target) => target.name === name))).toEqual([]);
  });
});

test('both kinds of Mac are there', async () => {
  const text = await Bun.file(`${TOP}.github/workflows/macos.yml`).text();
  const pairs = [...text.matchAll(/- runner: (\S+)\n\s+target: (\S+)\n/g)].map(([, runner, target]) => [
    runner,
    target,
  ]);
  expect(new Set(pairs.map(([, target]) => target))).toEqual(
    new Set(TARGETS.filter(({ os }) => os === 'darwin').map(({ name }) => name)),
  );
  for (const [runner, target] of pairs) expect(runner!.endsWith('-intel')).toBe(target === 'darwin-x64');
});
