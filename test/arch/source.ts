/** The sources as the architecture rules see them. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

export interface Source {
  /** From the top of the repository, e.g. `src/net/cidr.ts`. */
  readonly path: string;
  readonly text: string;
  /** What the engine gets: no comment, no type. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** From the top of the repository for a file of ours; as it stands for `bun:ffi`, `node:fs`, `citty`. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** Between the braces, without what is a type; for another form of import empty. */
  readonly names: readonly string[];
}

const transpiler = new Bun.Transpiler({ loader: 'ts' });

export function sourceOf(path: string, text: string): Source {
  return { path, text, code: transpiler.transformSync(text), imports: [...importsOf(path, text)] };
}

/** `import … from`, `export … from`, `import '…'` at the beginning of a line, where the formatter puts them. */
const STATIC = /^(import|export)\s+(type\s)?(?:([^'";=()]*?)\sfrom\s)?'([^']+)'/gm;
/** As an expression, and as a type. */
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;

function* importsOf(path: string, text: string): Generator<Import> {
  const target = (specifier: string) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier;
  for (const [, , type, clause = '', specifier] of text.matchAll(STATIC)) {
    const braced = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
    const all = braced
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const names = all.filter((name) => !name.startsWith('type ')).map((name) => name.split(/\sas\s/)[0]!);
    const typeOnly = type !== undefined || (all.length > 0 && names.length === 0);
    yield { to: target(specifier!), typeOnly, names: type === undefined ? names : [] };
  }
  for (const [, specifier] of text.matchAll(DYNAMIC)) {
    yield { to: target(specifier!), typeOnly: false, names: [] };
  }
}

/** What Bun's own parser sees of a file's imports (it drops types): a check on the expressions above. */
export function importsByParser({ path, text }: Source): string[] {
  return transpiler
    .scanImports(text)
    .map(({ path: to }) => (to.startsWith('.') ? posix.join(posix.dirname(path), to) : to));
}

/** Every TypeScript file of the repository. */
export function everySource(): Source[] {
  const top = new URL('../..', import.meta.url).pathname;
  return ['build.ts', 'src/**/*.ts', 'ffi/**/*.ts', 'test/**/*.ts']
    .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: top })])
    .toSorted()
    .map((path) => sourceOf(path, readFileSync(top + path, 'utf8')));
}
