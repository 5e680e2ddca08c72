/** DESIGN.md "The house" as rules. Exceptions are data, each with its reason. */
import { posix } from 'node:path';
import type { Source } from './source.ts';

export interface Rule {
  readonly name: string;
  /** @returns one line for each violation */
  check(sources: readonly Source[]): string[];
  /** Files that break it: path and text. What proves that the rule can fail. */
  readonly broken: Readonly<Record<string, string>>;
}

/** From top to bottom. A file imports only from its own room and from rooms further down. */
const FLOORS: readonly (readonly string[])[] = [
  ['src/main.ts'],
  ['src/cli'],
  // The demo composes a small Internet of its own from the same rooms.
  ['src/app', 'src/demo'],
  [
    'src/redirect',
    'src/inbound',
    'src/route',
    'src/upstream',
    'src/relay',
    'src/dns',
    'src/server',
    'src/stats',
    // What build.ts does to executables; nothing of the program knows of it.
    'src/build',
  ],
  ['src/config'],
  ['src/net'],
  ['src/base'],
  ['ffi'],
];

/** Imports between rooms of one floor. */
const SIDEWAYS: readonly { readonly from: string; readonly to: string; readonly why: string }[] = [
  { from: 'src/demo', to: 'src/app/server', why: 'its far end is the one of snet server' },
];

/** Entry points: what can be reached from none of them is dead. */
const ROOTS = ['src/main.ts', 'build.ts', 'src/config/json_schema.ts'];

/** Product files that no entry point reaches yet, and why they are here. */
const UNREACHED: Readonly<Record<string, string>> = {};

/** Exports that nothing of the product uses yet, and why they are here. */
const UNUSED: Readonly<Record<string, string>> = {};

/** Names the platform to a person, decides nothing by it. */
const PRINTS_PLATFORM = 'src/cli/version.ts';

const MOST_LINES = 400;

/** A name that other files may import. */
const EXPORTED = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;

const isIn = (path: string, place: string) => path === place || path.startsWith(`${place}/`);
/** Comments and texts name things without using them. */
const withoutWords = (text: string) => text.replace(/\/\*.*?\*\/|(?<=^|\s)\/\/[^\n]*|'[^'\n]*'/gs, '');
const hasWord = (text: string, word: string) => new RegExp(`\\b${word}\\b`).test(text);
const isProduct = ({ path }: Source) => isIn(path, 'src') || isIn(path, 'ffi');

function roomOf(path: string): { readonly room: string; readonly floor: number } | undefined {
  const floor = FLOORS.findIndex((rooms) => rooms.some((room) => isIn(path, room)));
  return floor < 0 ? undefined : { room: FLOORS[floor]!.find((room) => isIn(path, room))!, floor };
}

/** A line for each file that has `pattern` in its code and is none of those allowed. */
function only(pattern: RegExp, allowed: (path: string) => boolean) {
  return (sources: readonly Source[]): string[] =>
    sources
      .filter((source) => isProduct(source) && !allowed(source.path))
      .flatMap(({ path, code }) => (code.match(pattern) ?? []).map((found) => `${path}: ${found}`));
}

/** What a checked configuration is; how it is read is nobody's business below app. */
const TYPES = new Set(['src/config/config.ts', 'src/config/dns_config.ts']);

export const RULES: readonly Rule[] = [
  {
    name: 'every file stands in a room of the house',
    check: (sources) =>
      sources.filter((source) => isProduct(source) && !roomOf(source.path)).map(({ path }) => path),
    broken: { 'src/misplaced.ts': '' },
  },
  {
    name: 'imports go down, and not sideways',
    check: (sources) =>
      sources.filter(isProduct).flatMap((source) => {
        const own = roomOf(source.path);
        return source.imports
          .filter(({ to }) => {
            const other = roomOf(to);
            if (!own || !other || own.room === other.room || other.floor > own.floor) return false;
            return !SIDEWAYS.some(({ from, to: into }) => isIn(source.path, from) && isIn(to, into));
          })
          .map(({ to }) => `${source.path} imports ${to}`);
      }),
    broken: {
      'src/net/up.ts': `import type { Upstream } from '../upstream/upstream.ts';`,
      'src/relay/sideways.ts': `import { contains } from '../route/decide.ts';`,
      'src/upstream/far_end.ts': `export * from '../server/visitor.ts';`,
      'src/base/lazy.ts': `const app = await import('../app/run.ts');`,
      'src/base/lazy_type.ts': `type Run = typeof import('../app/run.ts');`,
    },
  },
  {
    name: 'ffi imports nothing of src',
    check: (sources) =>
      sources
        .filter(({ path }) => isIn(path, 'ffi'))
        .flatMap(({ path, imports }) =>
          imports.filter(({ to }) => isIn(to, 'src')).map(({ to }) => `${path} imports ${to}`),
        ),
    broken: { 'ffi/errno.ts': `import { SnetError } from '../src/base/errors.ts';` },
  },
  {
    name: 'nothing of the product imports a test',
    check: (sources) =>
      sources
        .filter((source) => isProduct(source))
        .flatMap(({ path, imports }) =>
          imports.filter(({ to }) => isIn(to, 'test')).map(({ to }) => `${path} imports ${to}`),
        ),
    broken: { 'src/net/cidr.ts': `import { Netns } from '../../test/lab/netns.ts';` },
  },
  {
    name: 'rooms below app take only types, and only those of config.ts and dns_config.ts, from config',
    check: (sources) =>
      sources
        .filter(
          ({ path }) => roomOf(path)?.floor === FLOORS.findIndex((rooms) => rooms.includes('src/route')),
        )
        .flatMap(({ path, imports }) =>
          imports
            .filter(({ to, typeOnly }) => isIn(to, 'src/config') && !(TYPES.has(to) && typeOnly))
            .map(({ to }) => `${path} imports ${to}`),
        ),
    broken: {
      'src/route/value.ts': `import { SCOPES } from '../config/config.ts';`,
      'src/upstream/schema.ts': `import type { Schema } from '../config/schema.ts';`,
    },
  },
  {
    name: 'bun:ffi only in ffi/, ptr only in ffi/memory.ts, dlopen only in ffi/library.ts',
    check: (sources) =>
      sources
        .filter((source) => isProduct(source))
        .flatMap(({ path, imports }) =>
          imports
            .filter(({ to }) => to === 'bun:ffi')
            .flatMap(({ names, typeOnly }) => {
              if (!isIn(path, 'ffi')) return [`${path} imports bun:ffi`];
              if (names.length === 0 && !typeOnly) return [`${path} imports bun:ffi as a whole`];
              const homes: Readonly<Record<string, string>> = {
                ptr: 'ffi/memory.ts',
                dlopen: 'ffi/library.ts',
              };
              return names
                .filter((name) => (homes[name] ?? path) !== path)
                .map((name) => `${path} imports ${name}`);
            }),
        ),
    broken: {
      'src/relay/pump.ts': `import type { Pointer } from 'bun:ffi';`,
      'ffi/socket.ts': `import { read, ptr as address } from 'bun:ffi';`,
      'ffi/crypto.ts': `import { dlopen } from 'bun:ffi';`,
      'ffi/all.ts': `import * as ffi from 'bun:ffi';`,
    },
  },
  {
    name: 'the platform is asked only in files named select*, and in ffi/',
    check: only(
      /\bprocess\.(?:platform|arch)\b|import \{[^}]*\b(?:platform|type|arch|machine)\b[^}]*\} from "node:os"/g,
      (path) => isIn(path, 'ffi') || posix.basename(path).startsWith('select') || path === PRINTS_PLATFORM,
    ),
    broken: {
      'src/inbound/listener.ts': `export const linux = process.platform === 'linux';`,
      'src/app/run.ts': `import { platform } from 'node:os'; platform();`,
    },
  },
  {
    name: 'the process is ended only in cli/exit.ts',
    check: only(/\bprocess\.(?:exit|reallyExit|abort)\b(?!Code)/g, (path) => path === 'src/cli/exit.ts'),
    broken: { 'src/app/run.ts': `process.exit(1);` },
  },
  {
    name: 'programs are started only in base/runner.ts',
    check: only(
      /\bBun\.(?:spawn|spawnSync|\$)|from "(?:(?:node:)?child_process|bun)"/g,
      (path) => path === 'src/base/runner.ts',
    ),
    broken: {
      'src/redirect/iptables/restore.ts': `Bun.spawn(['iptables-restore']);`,
      'src/redirect/iptables/shell.ts': 'await Bun.$`iptables -F`;',
      'src/redirect/iptables/node.ts': `import { execFile } from 'node:child_process'; execFile('x');`,
      'src/redirect/iptables/named.ts': `import { $ } from 'bun'; await $\`ls\`;`,
    },
  },
  {
    name: `no file is longer than ${MOST_LINES} lines`,
    check: (sources) =>
      sources
        .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
        .filter(({ lines }) => lines > MOST_LINES)
        .map(({ path, lines }) => `${path}: ${lines} lines`),
    broken: { 'src/app/all.ts': '\n'.repeat(MOST_LINES + 1) },
  },
  {
    name: 'files and folders are named for what they hold',
    check: (sources) =>
      sources
        .filter(({ path }) =>
          /(?:^|[/_])(?:utils?|helpers?|managers?|common|misc|stuff)(?=[/_.])/.test(path.toLowerCase()),
        )
        .map(({ path }) => path),
    broken: { 'src/net/utils.ts': '', 'test/helpers/a.ts': '', 'src/app/rule_manager.ts': '' },
  },
  {
    name: 'every file of the product is reached from an entry point',
    check: (sources) => {
      const byPath = new Map(sources.map((source) => [source.path, source]));
      const reached = new Set<string>();
      const reach = (path: string) => {
        const source = byPath.get(path);
        if (!source || reached.has(path)) return;
        reached.add(path);
        for (const { to } of source.imports) reach(to);
      };
      ROOTS.forEach(reach);
      return sources
        .filter((source) => isProduct(source) && !source.path.endsWith('.d.ts'))
        .filter(({ path }) => reached.has(path) === path in UNREACHED)
        .map(({ path }) => `${path}${reached.has(path) ? ' is reached: take it off the list' : ''}`);
    },
    broken: { 'src/net/forgotten.ts': '' },
  },
  {
    name: 'no file is imported for its effects alone: the bundler drops such imports, by what package.json says',
    check: (sources) =>
      sources
        .filter(isProduct)
        .flatMap(({ path, text }) =>
          [...text.matchAll(/^import '([^']+)'/gm)].map(([, to]) => `${path} imports ${to}`),
        ),
    broken: { 'src/app/effects.ts': `import './effect.ts';` },
  },
  {
    name: 'what the product exports, the product uses',
    check: (sources) => {
      const product = sources
        .filter((source) => isProduct(source) || source.path === 'build.ts')
        .map((source) => ({ ...source, text: withoutWords(source.text) }));
      const unused = product
        .filter(({ path }) => !(path in UNREACHED))
        .flatMap(({ path, text }) => {
          const users = product.filter(({ imports }) => imports.some(({ to }) => to === path));
          return [...text.matchAll(EXPORTED)]
            .map(([declaration, name]) => ({ name: name!, rest: text.replace(declaration, '') }))
            .filter(
              ({ name, rest }) =>
                ![rest, ...users.map((user) => user.text)].some((used) => hasWord(used, name)),
            )
            .map(({ name }) => `${path}: ${name}`);
        });
      const stale = Object.keys(UNUSED).filter((known) => sources.length > 1 && !unused.includes(known));
      return [
        ...unused.filter((each) => !(each in UNUSED)),
        ...stale.map((each) => `${each} is used: take it off the list`),
      ];
    },
    broken: {
      'src/net/forgotten.ts': 'export function forgotten(): void {}\n/** forgotten */',
      'src/net/forgotten_type.ts': 'export interface Forgotten {}',
      'src/net/named.ts': `export const NAMED = { text: 'NAMED' };`,
    },
  },
  {
    name: 'no test is skipped for good, and none runs alone',
    check: (sources) =>
      sources
        .filter(({ path }) => isIn(path, 'test') && path !== 'test/needs.ts' && !isIn(path, 'test/arch'))
        .flatMap(({ path, code }) =>
          (code.match(/\b(?:test|it|describe)\.(?:skip|only|todo|failing)\b/g) ?? []).map(
            (found) => `${path}: ${found}`,
          ),
        ),
    broken: {
      'test/net/cidr.test.ts': `test.skip('later', () => {});`,
      'test/net/ranges.test.ts': `describe.only('this', () => {});`,
    },
  },
];
