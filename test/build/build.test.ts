/** The build's own parts, and one executable made of a stand-in for src/main.ts. */
import { beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { checksums, compile, compileRanges, runner, smoke, TARGETS, type Host } from '../../build.ts';
import { decodeRanges } from '../../src/route/cn_format.ts';
import { folderForAll } from '../lab/folder.ts';

const STAMP = {
  SNET_VERSION: '1.2.3-test',
  SNET_COMMIT: '0123456789ab',
  SNET_BUILT: '2026-01-02T03:04:05.000Z',
};
const targetNamed = (name: string) => TARGETS.find((target) => target.name === name)!;

describe('which targets run here', () => {
  const linux = (arch: string, ...files: string[]): Host => ({
    platform: 'linux',
    arch,
    has: (path) => files.includes(path),
  });
  const glibc = '/lib64/ld-linux-x86-64.so.2';
  const musl = ['/lib/ld-musl-x86_64.so.1', '/usr/lib/libstdc++.so.6'];
  const qemu = ['/usr/bin/qemu-aarch64', '/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1'];

  test.each([
    ['linux-x64', linux('x64', glibc), { prefix: [] }],
    ['linux-x64-baseline', linux('x64', glibc), { prefix: [] }],
    ['linux-x64-musl', linux('x64', glibc), { skip: `needs ${musl.join(', ')}` }],
    ['linux-x64-musl', linux('x64', glibc, musl[0]!), { skip: `needs ${musl[1]}` }],
    ['linux-x64-musl', linux('x64', ...musl), { prefix: [] }],
    ['linux-x64', linux('arm64', glibc), { skip: 'needs x64' }],
    ['linux-arm64', linux('x64', ...qemu), { prefix: [qemu[0]!, '-L', '/usr/aarch64-linux-gnu'] }],
    ['linux-arm64', linux('x64', qemu[0]!), { skip: `needs ${qemu[1]}` }],
    ['darwin-arm64', linux('arm64'), { skip: 'needs darwin' }],
    ['darwin-arm64', { platform: 'darwin', arch: 'arm64', has: () => false }, { prefix: [] }],
  ])('%s', (name, host, expected) => expect(runner(targetNamed(name), host)).toEqual(expected));
});

test('checksums are in the form that sha256sum -c reads, by name', () => {
  expect(
    checksums([
      { name: 'snet-b', sha256: 'bb' },
      { name: 'snet-a', sha256: 'aa' },
    ]),
  ).toBe('aa  snet-a\nbb  snet-b\n');
});

describe('the ranges file', () => {
  const folder = folderForAll();
  const version = '2.3.2026010203';

  test('is made of the two CSV files and dated by the version', async () => {
    await writeFile(folder.file('package.json'), JSON.stringify({ version }));
    await writeFile(folder.file('asn-country-ipv4.csv'), '1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,CN\n');
    await writeFile(folder.file('asn-country-ipv6.csv'), '240e::,240e:fff::,CN\n');
    const { date, ranges } = decodeRanges(compileRanges(folder.path));
    expect(date).toBe('2026-01-02');
    expect([...ranges.v4.words]).toEqual([0x01000100, 0x010003ff]);
    expect([...ranges.v6.words]).toEqual([0x240e0000, 0, 0, 0, 0x240e0fff, 0, 0, 0]);
  });
});

describe('an executable', () => {
  const target = targetNamed(`${process.platform}-${process.arch}`);
  const folder = folderForAll();
  const at = (name: string) => folder.file(name);

  beforeAll(async () => {
    await writeFile(
      at('stand-in.ts'),
      `declare const SNET_VERSION: string, SNET_COMMIT: string, SNET_BUILT: string;
       class NamedError extends Error {}
       const [flag] = process.argv.slice(2);
       if (flag === 'version') console.log(SNET_VERSION, SNET_COMMIT, SNET_BUILT, NamedError.name);
       else if (flag === '--help') console.log('help');
       else process.exitCode = 2;`,
    );
    await compile(at('stand-in.ts'), target, at('sound'), STAMP);
  });

  test('has its stamp and reads nothing of the directory it is started in', async () => {
    expect(await smoke([at('sound')], STAMP)).toEqual([]);
  });

  test('keeps the names of classes, and leaves no source map beside it', async () => {
    expect(Bun.spawnSync([at('sound'), 'version']).stdout.toString()).toEndWith('NamedError\n');
    expect((await readdir(folder.path)).filter((name) => name.endsWith('.map'))).toEqual([]);
  });

  test('is the same bytes, made again', async () => {
    await mkdir(at('elsewhere'));
    await compile(at('stand-in.ts'), target, at('elsewhere/sound'), STAMP);
    const [first, second] = await Promise.all(
      ['sound', 'elsewhere/sound'].map((name) => Bun.file(at(name)).bytes()),
    );
    expect(Buffer.compare(first!, second!)).toBe(0);
  });

  test('of another stamp fails the smoke test', async () => {
    expect(await smoke([at('sound')], { ...STAMP, SNET_COMMIT: 'fedcba987654' })).toEqual([
      '`version` does not say fedcba987654',
    ]);
  });

  test('that reads the directory it is started in fails the smoke test', async () => {
    await Bun.build({
      entrypoints: [at('stand-in.ts')],
      compile: { outfile: at('gullible') },
      define: Object.fromEntries(Object.entries(STAMP).map(([name, value]) => [name, JSON.stringify(value)])),
    });
    const wrong = await smoke([at('gullible')], STAMP);
    for (const name of ['bunfig.toml', 'preload.ts', '.env']) {
      expect(wrong).toContain(`it reads ${name} of the current directory`);
    }
  });

  test('obeys BUN_OPTIONS all the same, as SECURITY.md warns', async () => {
    await writeFile(at('preload.ts'), `console.log('preloaded');`);
    const env = { ...process.env, BUN_OPTIONS: '--preload ./preload.ts' };
    const { stdout } = Bun.spawnSync([at('sound'), 'version'], { cwd: folder.path, env });
    expect(stdout.toString()).toStartWith('preloaded\n');
  });

  test('whose imports cannot be known is not built', async () => {
    await writeFile(at('dynamic.ts'), 'await import(process.argv[2]!);');
    const [attempt] = await Promise.allSettled([compile(at('dynamic.ts'), target, at('never'), STAMP)]);
    expect(attempt.status).toBe('rejected');
  });
});
