import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { line, LOG_LEVELS, silent } from '../../src/base/log.ts';

describe('line', () => {
  test('puts fields behind the words, quoted where that is needed', () => {
    const fields = {
      port: 1111,
      ok: true,
      why: 'no route',
      empty: '',
      equal: 'a=b',
      quote: 'a"b',
      name: 'größe.例',
    };
    expect(line('it broke', { ...fields, none: undefined })).toBe(
      'it broke port=1111 ok=true why="no route" empty="" equal="a=b" quote="a\\"b" name=größe.例',
    );
  });

  test.each([
    ['a newline', 'a\nb', '"a\\nb"'],
    ['an escape sequence', '\x1b[31m', '"\\u001b[31m"'],
    ['a C1 control', 'a\x9b31m', '"a\\u{9b}31m"'],
    ['DEL', 'a\x7f', '"a\\u{7f}"'],
    ['a change of direction', '\u202Egnp.exe', '"\\u{202e}gnp.exe"'],
    ['a line separator', 'a\u2028b', '"a\\u{2028}b"'],
  ])('escapes %s in a value', (_, value, shown) => {
    expect(line('m', { value })).toBe(`m value=${shown}`);
  });

  test('escapes what would end the line in the message too', () => {
    expect(line('a\nb')).toBe('a\\u{a}b');
  });

  test('is one line that begins with the message, for any text', () => {
    const unit = fc.constantFrom(
      '\n',
      '\r',
      '\x9b',
      '\u2028',
      '\u{e0001}',
      '\ud800',
      '"',
      '\\',
      '=',
      ' ',
      'a',
      '語',
    );
    const text = fc.oneof(fc.string(), fc.string({ unit }));
    fc.assert(
      fc.property(text, text, (message, value) => {
        const written = line(message, { value });
        expect(written).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(written).toStartWith(`${line(message)} value=`);
      }),
    );
  });

  test('gives a quoted value back to who reads it as JSON', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const written = line('m', { value }).slice('m value='.length);
        expect(written.startsWith('"') ? JSON.parse(written) : written).toBe(value);
      }),
    );
  });
});

describe('createLog', () => {
  const WRITTEN = [
    'error the `first` status=ERR_X',
    'warn  the _second_ text="two words"',
    'info  the third count=3 flag=true',
    'debug the fourth',
  ];

  test.each(LOG_LEVELS.map((level, i) => [level, i + 1] as const))(
    'at %s writes %d lines, to stderr',
    async (level, count) => {
      const script = new URL('log_lines.ts', import.meta.url).pathname;
      const child = Bun.spawn([process.execPath, script, level], { stdout: 'pipe', stderr: 'pipe' });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect(stdout).toBe('');
      expect(stderr.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /gm, '').split('\n')).toEqual([
        ...WRITTEN.slice(0, count),
        `debugging ${level === 'debug'} false`,
        '',
      ]);
    },
  );

  test('silent says nothing and asks for no debug line', () => {
    expect(silent.debugging).toBe(false);
  });
});
