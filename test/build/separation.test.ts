/**
 * The executable of one system has nothing of the other in it: no module that only the other uses, and none of the words that
 * such a module would have to say to its kernel. Bun folds `process.platform` for the target it compiles for; what is
 * reached no more goes with it, since package.json says `"sideEffects": false`.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { compile, TARGETS } from '../../build.ts';
import { folderForAll } from '../lab/folder.ts';

const TOP = new URL('../../', import.meta.url).pathname;
const ENTRY = `${TOP}src/main.ts`;
const STAMP = { SNET_VERSION: '1', SNET_COMMIT: '2', SNET_BUILT: '3' };

/** Files that are of use to one system alone, and what they say. */
const ALONE = {
  linux: {
    modules: /linux|netlink|nftables\/|iptables\/|conntrack\//,
    words: ['--noflush', 'nf_tables', 'SO_ORIGINAL_DST', 'NETLINK_NETFILTER'],
  },
  darwin: {
    modules: /darwin|natlook|scutil|redirect\/pf\//,
    words: ['pfctl', '/dev/pf', 'com.apple/', 'scutil'],
  },
} as const;
const SYSTEMS = ['linux', 'darwin'] as const;
const other = (system: (typeof SYSTEMS)[number]) => (system === 'linux' ? 'darwin' : 'linux');

/** The files of which anything is in the bundle of a system: the bundler names each above what it took of it. */
async function modulesOf(system: (typeof SYSTEMS)[number]): Promise<string[]> {
  const { outputs } = await Bun.build({
    entrypoints: [ENTRY],
    target: 'bun',
    format: 'esm',
    minify: { whitespace: false, syntax: true, identifiers: false },
    define: {
      'process.platform': JSON.stringify(system),
      SNET_VERSION: '""',
      SNET_COMMIT: '""',
      SNET_BUILT: '""',
    },
  });
  const text = await outputs[0]!.text();
  return [...text.matchAll(/^\/\/ ((?:src|ffi)\/\S+\.ts)$/gm)].map(([, path]) => path!);
}

describe.each(SYSTEMS)('what is of use on %s alone', (system) => {
  const { modules } = ALONE[system];

  test('is not bundled for the other', async () => {
    expect((await modulesOf(other(system))).filter((path) => modules.test(path))).toEqual([]);
  });

  test('is bundled for its own, all of it', async () => {
    const files = [...new Bun.Glob('{src,ffi}/**/*.ts').scanSync({ cwd: TOP })];
    const own = await modulesOf(system);
    const alone = files.filter((path) => modules.test(path));
    expect(alone.filter((path) => !own.includes(path))).toEqual([]);
    for (const part of modules.source.split('|')) {
      expect(
        own.filter((path) => new RegExp(part).test(path)),
        part,
      ).not.toEqual([]);
    }
  });
});

describe.each(['linux-x64', 'darwin-arm64'])('the executable for %s', (name) => {
  const target = TARGETS.find((each) => each.name === name)!;
  const folder = folderForAll();
  let program: Buffer;

  beforeAll(async () => {
    await compile(ENTRY, target, folder.file('snet'), STAMP);
    program = Buffer.from(await Bun.file(folder.file('snet')).bytes());
  });

  test.each(ALONE[target.os].words)('says %s', (word) => {
    expect(program.includes(word)).toBe(true);
  });

  test.each(ALONE[other(target.os)].words)('does not say %s', (word) => {
    expect(program.includes(word)).toBe(false);
  });
});
