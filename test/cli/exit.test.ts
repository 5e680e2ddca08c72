import { describe, expect, test } from 'bun:test';
import { EXIT, exitCodeOf } from '../../src/cli/exit.ts';
import { SnetError } from '../../src/base/errors.ts';

/** No program ends with these: the word is about one query. */
const OF_QUERIES = ['ERR_DNS_BUSY'];

describe('exit codes', () => {
  test.each([
    ['ERR_USAGE', 2],
    ['ERR_CONFIG_VALUE', 3],
    ['ERR_CONFIG_UNSUPPORTED', 3],
    ['ERR_NOT_ROOT', 4],
    ['ERR_NET_ADMIN_PERMISSION', 4],
    ['ERR_REDIRECT_PERMISSION', 4],
    ['ERR_CONTROL_PERMISSION', 4],
    ['ERR_PORT_IN_USE', 5],
    ['ERR_REDIRECT_HELD', 5],
    ['ERR_REDIRECT_UNSUPPORTED', 6],
    ['ERR_REDIRECT_INEFFECTIVE', 6],
    ['ERR_PF_UNAVAILABLE', 6],
    ['ERR_REDIRECT_KERNEL', 1],
  ])('%s ends with %d', (status, code) => {
    expect(exitCodeOf(new SnetError(status, 'x'))).toBe(code);
  });

  test('anything else ends with 1', () => {
    expect(exitCodeOf(new Error('ERR_USAGE'))).toBe(1);
    expect(exitCodeOf(undefined)).toBe(1);
  });

  test('are different, each with a meaning', () => {
    const codes = Object.values(EXIT);
    expect(new Set(codes.map(({ code }) => code)).size).toBe(codes.length);
    expect(new Set(codes.map(({ meaning }) => meaning)).size).toBe(codes.length);
  });

  test('every status word of the sources is one that the table was read with', async () => {
    const root = new URL('../../', import.meta.url).pathname;
    const words = new Set<string>();
    for (const path of new Bun.Glob('src/**/*.ts').scanSync(root)) {
      const text = await Bun.file(root + path).text();
      for (const [, word] of text.matchAll(/'(ERR_[A-Z_0-9]+)'/g)) words.add(word!);
    }
    const suspicious = [...words].filter(
      (word) =>
        !OF_QUERIES.includes(word) &&
        /ROOT|PERM|ACCESS|_USE|HELD|LOCK|BUSY|RUNNING|UNSUPPORTED|UNAVAILABLE|INEFFECTIVE/.test(word) &&
        exitCodeOf(new SnetError(word, 'x')) === EXIT.failure.code,
    );
    expect(suspicious).toEqual([]);
  });
});
