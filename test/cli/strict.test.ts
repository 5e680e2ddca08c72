import { describe, expect, test } from 'bun:test';
import type { ArgsDef } from 'citty';
import * as fc from 'fast-check';
import { asksForHelp, checkArguments } from '../../src/cli/strict.ts';
import { UsageError } from '../../src/cli/usage_error.ts';

const DEFINITIONS: ArgsDef = {
  url: { type: 'positional', required: false },
  config: { type: 'string', alias: 'c' },
  'log-level': { type: 'enum', options: ['info', 'debug'] },
  bypass: { type: 'string' },
  verbose: { type: 'boolean', alias: 'v' },
};

const check = (...argv: string[]) => checkArguments(argv, DEFINITIONS, ['bypass']);

function errorOf(argv: readonly string[], definitions = DEFINITIONS): UsageError {
  try {
    checkArguments(argv, definitions, ['bypass']);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('checkArguments', () => {
  test.each([
    { argv: [], rawArgs: ['--'] },
    { argv: ['u', '-c', 'f'], rawArgs: ['--config=f', '--', 'u'] },
    { argv: ['--config=a=b'], rawArgs: ['--config=a=b', '--'] },
    { argv: ['-c=f'], rawArgs: ['--config=f', '--'] },
    { argv: ['--config=-', '-v'], rawArgs: ['--config=-', '--verbose', '--'] },
    { argv: ['--config', '-'], rawArgs: ['--config=-', '--'] },
    { argv: ['--config=-x'], rawArgs: ['--config=-x', '--'] },
    { argv: ['-v', '--', '-c'], rawArgs: ['--verbose', '--', '-c'] },
    { argv: ['--', '--'], rawArgs: ['--', '--'] },
  ] as { argv: string[]; rawArgs: string[] }[])('reads $argv', ({ argv, rawArgs }) => {
    expect(check(...argv).rawArgs).toEqual(rawArgs);
  });

  test('gathers what may be repeated', () => {
    expect(check('--bypass', 'a', '--bypass=b').lists.get('bypass')).toEqual(['a', 'b']);
  });

  test('gathers a last argument that may be repeated', () => {
    const { rawArgs, lists } = checkArguments(['u', '-v', 'w'], DEFINITIONS, ['url']);
    expect({ rawArgs, urls: lists.get('url') }).toEqual({
      rawArgs: ['--verbose', '--', 'u', 'w'],
      urls: ['u', 'w'],
    });
    expect(checkArguments([], DEFINITIONS, ['url']).lists.get('url')).toEqual([]);
    const two: ArgsDef = { name: { type: 'positional' }, url: { type: 'positional', required: false } };
    expect(checkArguments(['n', 'u', 'w'], two, ['url']).lists.get('url')).toEqual(['u', 'w']);
    expect(() => checkArguments([], two, ['url'])).toThrow('missing argument NAME');
  });

  test.each([
    { argv: ['--confg', 'f'], message: 'unknown flag --confg', hint: 'did you mean --config?' },
    { argv: ['--no-verbose'], message: 'unknown flag --no-verbose', hint: 'did you mean --verbose?' },
    { argv: ['--logLevel=info'], message: 'unknown flag --logLevel', hint: 'did you mean --log-level?' },
    { argv: ['--xyz=hunter2'], message: 'unknown flag --xyz', hint: undefined },
    { argv: ['-phunter2'], message: 'unknown flag -p', hint: undefined },
    { argv: ['-x'], message: 'unknown flag -x', hint: 'known: --config -c --log-level --bypass --verbose -v --help -h' },
    { argv: ['--config'], message: '--config needs a value', hint: undefined },
    { argv: ['--config='], message: '--config needs a value', hint: undefined },
    { argv: ['--config', ''], message: '--config needs a value', hint: undefined },
    { argv: ['--config', '-v'], message: '--config needs a value', hint: 'a value that begins with - is written --config=-…' },
    { argv: ['-c', '--', 'x'], message: '-c needs a value', hint: undefined },
    { argv: ['--verbose=yes'], message: '--verbose takes no value', hint: undefined },
    { argv: ['-c', 'a', '--config', 'b'], message: '--config is given twice', hint: undefined },
    { argv: ['-v', '-v'], message: '-v is given twice', hint: undefined },
    { argv: ['--log-level', 'debgu'], message: '--log-level: found "debgu", expected one of info, debug', hint: 'did you mean debug?' },
    { argv: ['a', 'b'], message: 'unexpected argument "b"', hint: undefined },
    { argv: ['a', 'ss://aes:hunter2@h:1'], message: 'unexpected argument a link', hint: undefined },
  ])('refuses $argv', ({ argv, message, hint }) => {
    const error = errorOf(argv);
    expect({ message: error.message, hint: error.hint }).toEqual({ message, hint });
  }); // prettier-ignore

  test('refuses what lacks a flag or an argument that is required', () => {
    const config: ArgsDef = { config: { type: 'string', alias: 'c', required: true } };
    expect(errorOf([], config).message).toBe('missing flag --config or -c');
    expect(errorOf([], { name: { type: 'positional' } }).message).toBe('missing argument NAME');
  });

  test('passes on what it is given, or throws a usage error', () => {
    const word = fc.oneof(
      fc.constantFrom('-c', '--config', '--', '-v', '--bypass=x', '-', '--config='),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        try {
          const { rawArgs } = check(...argv);
          const end = rawArgs.indexOf('--');
          expect(rawArgs.slice(end + 1).length).toBeLessThanOrEqual(1);
          for (const positional of rawArgs.slice(end + 1)) expect(argv).toContain(positional);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

test.each([
  { argv: ['-h'], help: true },
  { argv: ['--bad', '--help'], help: true },
  { argv: ['--', '--help'], help: false },
  { argv: ['--helpx'], help: false },
])('$argv asks for help: $help', ({ argv, help }) => {
  expect(asksForHelp(argv)).toBe(help);
});
