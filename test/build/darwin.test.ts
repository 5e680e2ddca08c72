/** Executables for macOS, made here of a stand-in for src/main.ts. None of them can run here: they are read. */
import { beforeAll, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { compile, sign, TARGETS } from '../../build.ts';
import { checkSignature } from '../../src/build/check_signature.ts';
import { MachOError } from '../../src/build/mach_o_error.ts';
import { readMachO } from '../../src/build/mach_o.ts';
import { OLDEST_MACOS } from '../../src/redirect/pf/preflight.ts';
import { folderForAll } from '../lab/folder.ts';

const STAMP = { SNET_VERSION: '1', SNET_COMMIT: '2', SNET_BUILT: '3' };

/** What a promise was rejected with. */
async function failure(attempt: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([attempt]);
  return outcome.status === 'rejected' ? outcome.reason : undefined;
}

describe.each(TARGETS.filter(({ os }) => os === 'darwin'))('$name', (target) => {
  const folder = folderForAll();
  const outfile = () => folder.file('program');
  let said: string;

  beforeAll(async () => {
    await writeFile(folder.file('stand-in.ts'), `process.stdout.write('here');`);
    await compile(folder.file('stand-in.ts'), target, outfile(), STAMP);
    said = await sign(target, outfile());
  });

  test('has a sound signature', async () => {
    const file = await Bun.file(outfile()).bytes();
    const { pages, wrong } = checkSignature(file, readMachO(file));
    expect(wrong).toEqual([]);
    expect(pages).toBeGreaterThan(20_000);
    expect(said).toContain(`signature sound in ${pages} pages`);
  });

  test('may be executed, and is for the oldest macOS that is named', async () => {
    const { mode } = await Bun.file(outfile()).stat();
    expect(mode & 0o111).toBe(0o111);
    expect(readMachO(await Bun.file(outfile()).bytes()).oldestMacos).toBe(`${OLDEST_MACOS}.0`);
  });

  test('signed twice is the same', async () => {
    const before = await Bun.file(outfile()).bytes();
    expect(await sign(target, outfile())).toEndWith('as Bun made it');
    expect(Buffer.compare(before, await Bun.file(outfile()).bytes())).toBe(0);
  });

  test('cut short fails the build', async () => {
    const cut = folder.file('cut');
    await writeFile(cut, (await Bun.file(outfile()).bytes()).subarray(0, -1));
    expect(await failure(sign(target, cut))).toBeInstanceOf(MachOError);
  });

  test('for another processor than the target says fails the build', async () => {
    const other = { ...target, arch: target.arch === 'x64' ? 'arm64' : 'x64' } as const;
    expect(String(await failure(sign(other, outfile())))).toContain(`on ${target.arch}, not for`);
  });
});

test.each(['README.md', 'docs/macos.md'])('%s names the oldest macOS', async (page) => {
  const text = await Bun.file(new URL(`../../${page}`, import.meta.url)).text();
  const named = [...text.matchAll(/macOS (\d+) \(\w+\) or newer/g)].map(([, version]) => Number(version));
  expect(named).toEqual([OLDEST_MACOS]);
});
