/** Holds the code to the architecture. */
import { describe, expect, test } from 'bun:test';
import { RULES } from './rules.ts';
import { everySource, importsByParser, sourceOf } from './source.ts';

const sources = everySource();

describe('the house', () => {
  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_, rule) => {
    expect(rule.check(sources)).toEqual([]);
  });
});

describe('a rule can fail', () => {
  const cases = RULES.flatMap((rule) =>
    Object.entries(rule.broken).map(([path, text]) => [rule.name, path, rule, text] as const),
  );
  test.each(cases)('%s: %s', (_, path, rule, text) => {
    expect(rule.check([sourceOf(path, text)]).join()).toStartWith(path);
  });
});

describe('what is read of a file', () => {
  test('every import that the parser sees, in every file', () => {
    const missed = sources.flatMap((source) =>
      importsByParser(source)
        .filter((path) => !source.imports.some(({ to }) => to === path))
        .map((path) => `${source.path}: ${path}`),
    );
    expect(missed).toEqual([]);
    expect(sources.length).toBeGreaterThan(20);
  });

  test('every form of import', () => {
    const { imports } = sourceOf(
      'src/a/b.ts',
      [
        `import { one, type Two, three as four } from './c.ts';`,
        `import type { Five } from '../d.ts';`,
        `import { type Six } from '../../ffi/e.ts';`,
        `import * as seven from 'node:fs';`,
        `import './f.ts';`,
        `import {\n  eight,\n  nine,\n} from 'bun:ffi';`,
        `export { ten } from './g.ts';`,
        `const eleven = await import('./h.ts');`,
        `// import { no } from './comment.ts'`,
      ].join('\n'),
    );
    expect(imports).toEqual([
      { to: 'src/a/c.ts', typeOnly: false, names: ['one', 'three'] },
      { to: 'src/d.ts', typeOnly: true, names: [] },
      { to: 'ffi/e.ts', typeOnly: true, names: [] },
      { to: 'node:fs', typeOnly: false, names: [] },
      { to: 'src/a/f.ts', typeOnly: false, names: [] },
      { to: 'bun:ffi', typeOnly: false, names: ['eight', 'nine'] },
      { to: 'src/a/g.ts', typeOnly: false, names: ['ten'] },
      { to: 'src/a/h.ts', typeOnly: false, names: [] },
    ]);
  });
});
