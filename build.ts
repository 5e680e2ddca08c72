/**
 * Makes the executables: `bun build.ts [--target NAME]... [--repository URL] [--ranges]`.
 *
 * Every target (or those named) goes to dist/ with SHA256SUMS, and those that this machine can run are smoke-tested
 * from a hostile directory. Those for macOS get a signature that macOS takes. `--repository`, where they will be
 * released, makes a formula for Homebrew of them, dist/snet.rb. `--ranges` makes only the embedded address data,
 * src/route/cn_ranges.bin.
 * The same commit gives the same bytes: the only date in them is SOURCE_DATE_EPOCH, or else the commit's.
 */
import { existsSync, readFileSync, utimesSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from './src/base/errors.ts';
import { renderFormula } from './src/build/formula.ts';
import { MachOError } from './src/build/mach_o_error.ts';
import { settleSignature } from './src/build/settle_signature.ts';
import { EXIT } from './src/cli/exit.ts';
import { OLDEST_MACOS } from './src/redirect/pf/preflight.ts';
import { countryRanges, dateOfVersion } from './src/route/cn_compile.ts';
import { encodeRanges } from './src/route/cn_format.ts';

const ROOT = import.meta.dir;
const DIST = join(ROOT, 'dist');
const ENTRY = join(ROOT, 'src/main.ts');
const RANGES_FILE = join(ROOT, 'src/route/cn_ranges.bin');
const RANGES_PACKAGE = join(ROOT, 'node_modules/@ip-location-db/asn-country');

export interface Target {
  readonly name: string;
  readonly os: 'linux' | 'darwin';
  readonly arch: 'x64' | 'arm64';
  /** What must be on a machine for it to start. */
  readonly files: readonly string[];
}

const GLIBC_X64 = '/lib64/ld-linux-x86-64.so.2';
/** Where Alpine has it; Bun for musl is linked to it. */
const LIBSTDCXX = '/usr/lib/libstdc++.so.6';

/** `linux-x64` needs AVX2 (Haswell, 2013); `-baseline` runs on every x86-64 with SSE4.2. */
export const TARGETS: readonly Target[] = [
  { name: 'linux-x64', os: 'linux', arch: 'x64', files: [GLIBC_X64] },
  { name: 'linux-x64-baseline', os: 'linux', arch: 'x64', files: [GLIBC_X64] },
  { name: 'linux-x64-musl', os: 'linux', arch: 'x64', files: ['/lib/ld-musl-x86_64.so.1', LIBSTDCXX] },
  { name: 'linux-arm64', os: 'linux', arch: 'arm64', files: ['/lib/ld-linux-aarch64.so.1'] },
  { name: 'linux-arm64-musl', os: 'linux', arch: 'arm64', files: ['/lib/ld-musl-aarch64.so.1', LIBSTDCXX] },
  { name: 'darwin-x64', os: 'darwin', arch: 'x64', files: [] },
  { name: 'darwin-arm64', os: 'darwin', arch: 'arm64', files: [] },
];

/** What `snet version` shows; each becomes a constant of the bundle, a string literal. */
export interface Stamp {
  readonly SNET_VERSION: string;
  /** Abbreviated, with `-dirty` behind it if files differed from it; `unknown` outside of a repository. */
  readonly SNET_COMMIT: string;
  /** Date of the commit, or what SOURCE_DATE_EPOCH says: ISO 8601, UTC; `unknown` if there is neither. */
  readonly SNET_BUILT: string;
}

/** Compiles one executable. @throws AggregateError with the bundler's own messages */
export async function compile(entry: string, target: Target, outfile: string, stamp: Stamp): Promise<void> {
  await Bun.build({
    entrypoints: [entry],
    compile: {
      target: `bun-${target.name}` as Bun.Build.CompileTarget,
      outfile,
      // Read from the current directory at start, these files would run somebody else's code as root.
      autoloadBunfig: false,
      autoloadDotenv: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    define: Object.fromEntries(Object.entries(stamp).map(([name, value]) => [name, JSON.stringify(value)])),
    // An import whose name is only known at run time would be missing in the executable: an error now, not then.
    allowUnresolved: [],
    // `snet version` starts in half the time (11 ms instead of 22), for 1.6 MB.
    bytecode: true,
    format: 'esm',
    // Identifiers stay: the names of error classes are shown to people.
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: 'inline',
  });
  // It is inside the executable as well; stack traces take it from there.
  await rm(`${outfile}.map`, { force: true });
}

/**
 * Sees to it that a Mac runs the executable: checks its signature, every page of it, and makes it anew where Bun left the one
 * of its own executable, which fits no more.
 * @returns what was found and done, for people
 * @throws MachOError if it can't be given a sound signature, or is not what the target says
 */
export async function sign(target: Target, outfile: string): Promise<string> {
  const { file, machO, pages, replaced } = settleSignature(readFileSync(outfile), 'snet');
  if (machO.arch !== target.arch || machO.oldestMacos !== `${OLDEST_MACOS}.0`) {
    throw new MachOError(
      'ERR_MACH_O_MALFORMED',
      `it is for macOS ${machO.oldestMacos} and newer on ${machO.arch}, not for ${OLDEST_MACOS} on ${target.arch}`,
    );
  }
  // The mode stays, since the file does.
  if (replaced.length > 0) await writeFile(outfile, file);
  const why =
    replaced.length === 0 ? 'as Bun made it' : `made anew (Bun left a stale one: ${replaced.at(-1)})`;
  return `macOS ${machO.oldestMacos} and newer; signature sound in ${pages} pages, ${why}`;
}

/** The embedded ranges, from the installed package. */
export function compileRanges(packageDirectory: string): Uint8Array {
  const read = (name: string) => readFileSync(join(packageDirectory, name), 'utf8');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  return encodeRanges({
    date: dateOfVersion(version),
    ranges: {
      v4: countryRanges(4, read('asn-country-ipv4.csv'), 'CN'),
      v6: countryRanges(6, read('asn-country-ipv6.csv'), 'CN'),
    },
  });
}

/** Of a file: its name, and its SHA-256 in hexadecimal. */
interface Sum {
  readonly name: string;
  readonly sha256: string;
}

/** `sha256sum -c` format, by name. */
export function checksums(files: readonly Sum[]): string {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
}

export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** Does this file exist? */
  readonly has: (path: string) => boolean;
}

const QEMU = '/usr/bin/qemu-aarch64';
const QEMU_ROOT = '/usr/aarch64-linux-gnu';

/** How to run a target on this machine: what to put before its command line, or why it cannot be. */
export function runner(
  target: Target,
  host: Host,
): { readonly prefix: string[] } | { readonly skip: string } {
  if (target.os !== host.platform) return { skip: `needs ${target.os}` };
  const native = target.arch === host.arch;
  if (!native && target.arch !== 'arm64') return { skip: `needs ${target.arch}` };
  const files = native ? target.files : [QEMU, ...target.files.map((path) => QEMU_ROOT + path)];
  const missing = files.filter((path) => !host.has(path));
  if (missing.length > 0) return { skip: `needs ${missing.join(', ')}` };
  return { prefix: native ? [] : [QEMU, '-L', QEMU_ROOT] };
}

/**
 * Runs an executable in a directory that wants to be read: a bunfig.toml that preloads a program, .env, package.json,
 * tsconfig.json.
 * @returns what is wrong with it, nothing if all is well
 */
export async function smoke(argv: readonly string[], stamp: Stamp): Promise<string[]> {
  await using directory = await hostileDirectory();
  const run = (flag: string) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...argv, flag], {
      cwd: directory.path,
      stdin: 'ignore',
    });
    return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  const wrong: string[] = [];
  const version = run('version');
  if (version.code !== 0) wrong.push(`\`version\` exits with ${version.code}: ${version.stderr.trim()}`);
  for (const part of Object.values(stamp)) {
    if (!version.stdout.includes(part)) wrong.push(`\`version\` does not say ${part}`);
  }
  const help = run('--help');
  if (help.code !== 0 || help.stdout === '')
    wrong.push(`\`--help\` exits with ${help.code}: ${help.stderr.trim()}`);
  const usage = run('--no-such-flag');
  if (usage.code !== EXIT.usage.code)
    wrong.push(`an unknown flag exits with ${usage.code}, not ${EXIT.usage.code}`);
  return [
    ...wrong,
    ...(await directory.whatWasRead()).map((name) => `it reads ${name} of the current directory`),
  ];
}

const BAIT: Readonly<Record<string, string>> = {
  'bunfig.toml': 'preload = ["./preload.ts"]\n',
  'preload.ts': 'await Bun.write("preloaded", "");\n',
  '.env': 'NODE_OPTIONS=--bad-option\n',
  '.env.production': 'NODE_OPTIONS=--bad-option\n',
  '.env.local': 'NODE_OPTIONS=--bad-option\n',
  'package.json': '{ "name": "bait", "type": "commonjs" }\n',
  'tsconfig.json': '{ "compilerOptions": { "target": "es5" } }\n',
};

/**
 * A directory that tells which of its files were read: their access time, set before their modification time, moves
 * at the first read (`relatime`).
 * @throws Error where the file system keeps no access times
 */
async function hostileDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'snet-smoke-'));
  const LONG_AGO = new Date(0);
  const lay = async (name: string, text: string) => {
    await writeFile(join(path, name), text);
    utimesSync(join(path, name), LONG_AGO, new Date(1));
  };
  const wasRead = async (name: string) => (await stat(join(path, name))).atime > LONG_AGO;
  await lay('control', 'read me');
  readFileSync(join(path, 'control'));
  if (!(await wasRead('control')))
    throw new Error(`${path} keeps no access times: set TMPDIR to one that does`);
  for (const [name, text] of Object.entries(BAIT)) await lay(name, text);
  return {
    path,
    async whatWasRead(): Promise<string[]> {
      const read: string[] = [];
      for (const name of Object.keys(BAIT)) if (await wasRead(name)) read.push(name);
      return read;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

function git(...args: string[]): string | undefined {
  const { exitCode, stdout } = Bun.spawnSync(['git', '-C', ROOT, ...args], {
    stdin: 'ignore',
    stderr: 'ignore',
  });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}

function currentStamp(): Stamp {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const commit = git('rev-parse', '--short=12', 'HEAD');
  const dirty = git('status', '--porcelain') ? '-dirty' : '';
  const epoch = process.env['SOURCE_DATE_EPOCH'] ?? git('log', '-1', '--format=%ct');
  return {
    SNET_VERSION: version,
    SNET_COMMIT: commit === undefined ? 'unknown' : commit + dirty,
    SNET_BUILT: epoch === undefined ? 'unknown' : new Date(Number(epoch) * 1000).toISOString(),
  };
}

async function writeRanges(): Promise<void> {
  const bytes = compileRanges(RANGES_PACKAGE);
  // Renamed into place: somebody may be reading the old one.
  const unfinished = `${RANGES_FILE}.${process.pid}`;
  await writeFile(unfinished, bytes);
  await rename(unfinished, RANGES_FILE);
}

/** @returns the exit code */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      repository: { type: 'string' },
      ranges: { type: 'boolean' },
    },
  });
  const unknown = values.target?.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) {
    say(`no target ${unknown}; there are ${TARGETS.map(({ name }) => name).join(', ')}`);
    return EXIT.usage.code;
  }
  await writeRanges();
  if (values.ranges) return 0;

  const stamp = currentStamp();
  const targets = TARGETS.filter(({ name }) => values.target?.includes(name) ?? true);
  const host: Host = { platform: process.platform, arch: process.arch, has: existsSync };
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST);
  say(`snet ${stamp.SNET_VERSION} (${stamp.SNET_COMMIT}, ${stamp.SNET_BUILT})`);
  const sums: Sum[] = [];
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const target of targets) {
    const outfile = join(DIST, `snet-${target.name}`);
    await compile(ENTRY, target, outfile, stamp);
    const signature = target.os === 'darwin' ? await signed(target, outfile) : undefined;
    if (signature?.failed) count.failed++;
    const bytes = readFileSync(outfile);
    sums.push({
      name: basename(outfile),
      sha256: new Bun.CryptoHasher('sha256').update(bytes).digest('hex'),
    });
    say(`${basename(outfile)}  ${(bytes.length / 1e6).toFixed(1)} MB`);
    if (signature) say(`  ${signature.line}`);

    const how = runner(target, host);
    if ('skip' in how) {
      count.skipped++;
      say(`  SKIPPED smoke test: ${how.skip}`);
      continue;
    }
    const wrong = await smoke([...how.prefix, outfile], stamp).catch((error: unknown) => [explain(error)]);
    count[wrong.length === 0 ? 'passed' : 'failed']++;
    say(wrong.length === 0 ? '  smoke test passed' : wrong.map((what) => `  FAILED: ${what}`).join('\n'));
  }
  await writeFile(join(DIST, 'SHA256SUMS'), checksums(sums));
  if (values.repository !== undefined && !(await writeFormula(stamp, values.repository, sums)))
    count.failed++;
  say(`smoke tests and signatures: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed === 0 ? 0 : 1;
}

/** @returns whether there is one now */
async function writeFormula(stamp: Stamp, repository: string, sums: readonly Sum[]): Promise<boolean> {
  const files = new Map(sums.map(({ name, sha256 }) => [name, sha256]));
  try {
    const formula = renderFormula({ version: stamp.SNET_VERSION, repository, sums: files });
    await writeFile(join(DIST, 'snet.rb'), formula);
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    say(`FAILED: no formula: ${error.message}`);
    return false;
  }
}

async function signed(
  target: Target,
  outfile: string,
): Promise<{ readonly line: string; readonly failed: boolean }> {
  try {
    return { line: await sign(target, outfile), failed: false };
  } catch (error) {
    if (!(error instanceof MachOError)) throw error;
    return { line: `FAILED: no Mac would run it: ${error.message}`, failed: true };
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (import.meta.main) process.exitCode = await main();
