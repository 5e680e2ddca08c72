import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { JsoncError, parseJsonc } from '../../src/config/jsonc.ts';

const ACCEPTED = [
  { name: 'trailing commas', text: '{"a": [1, 2,], "b": {},}', value: { a: [1, 2], b: {} } },
  { name: 'comments of all three kinds', text: '# a\n{ // b\n"a": /* c\n */ 1 }\n# d', value: { a: 1 } },
  { name: 'comment marks inside texts', text: '["// #", "/* */"]', value: ['// #', '/* */'] },
  { name: 'a byte order mark', text: '\uFEFF{}', value: {} },
  { name: 'escapes', text: '"\\u00e9\\n\\"\\\\"', value: 'é\n"\\' },
  { name: 'numbers', text: '[-0.5e1, 0, 10]', value: [-5, 0, 10] },
  { name: 'words', text: '[true, false, null]', value: [true, false, null] },
];

const REFUSED = [
  { name: 'nothing', text: '', error: '1:1: found the end of the file, expected a value' },
  { name: 'a missing comma', text: '{"a": 1\n "b": 2}', error: '2:2: found a text, expected "," or "}"' },
  { name: 'a lone comma', text: '[,]', error: '1:2: found ",", expected a value' },
  { name: 'something behind the value', text: '{} x', error: '1:4: found a word without quotes, expected nothing after the value' },
  { name: 'a key twice', text: '{"a": 1, "a": 2}', error: '1:10: found a text, expected each key once' },
  { name: 'a key without quotes', text: '{a: 1}', error: '1:2: found a word without quotes, expected a key in double quotes, or }' },
  { name: 'single quotes', text: "{'a': 1}", error: '1:2: found "\'", expected a key in double quotes, or }' },
  { name: 'a text over two lines', text: '["a\nb"]', error: '1:2: found a text, expected a text in double quotes' },
  { name: 'an unknown escape', text: '"\\q"', error: '1:1: found a text, expected a text in double quotes' },
  { name: 'a leading zero', text: '[01]', error: '1:3: found a word without quotes, expected "," or "]"' },
  { name: 'hexadecimal', text: '[0x1]', error: '1:3: found a word without quotes, expected "," or "]"' },
  { name: 'an open comment', text: '{} /* x', error: '1:4: found "/", expected the end of the comment' },
  { name: 'the prototype', text: '{"__proto__": {}}', error: '1:2: found a text, expected a key of the configuration' },
  { name: 'endless nesting', text: '['.repeat(100_000), error: '1:66: found "[", expected at most 64 levels' },
]; // prettier-ignore

describe('parseJsonc', () => {
  test.each(ACCEPTED)('reads $name', ({ text, value }) => {
    expect(parseJsonc(text).value).toEqual(value);
  });

  test.each(REFUSED)('refuses $name', ({ text, error }) => {
    expect(caught(() => parseJsonc(text))).toBeInstanceOf(JsoncError);
    expect(messageOf(() => parseJsonc(text))).toBe(error);
  });

  test('says where the comma is missing, not only where that shows', () => {
    expect(hintOf(() => parseJsonc('{"a": 1 // one\n\n "b": 2}'))).toBe('is a comma missing at 1:8?');
  });

  test('knows where keys and items begin', () => {
    const { placeOf } = parseJsonc('{\n  "a": [1,\n    {"b": 2}],\n}');
    expect(placeOf(['a'])).toEqual({ line: 2, column: 3 });
    expect(placeOf(['a', 1])).toEqual({ line: 3, column: 5 });
    expect(placeOf(['a', 1, 'b'])).toEqual({ line: 3, column: 6 });
    expect(placeOf(['c'])).toBeUndefined();
  });

  test('reads all JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (json, indent) => {
        fc.pre(!/"(?:__proto__|constructor|prototype)":/.test(json));
        const text = JSON.stringify(JSON.parse(json), undefined, indent);
        expect(parseJsonc(text).value).toEqual(JSON.parse(text));
      }),
    );
  });

  test('throws only its own error, whatever the text', () => {
    const token = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '/',
      '*',
      '#',
      '\\',
      ' ',
      '\n',
      '-',
      '1',
      '0',
      '.',
      'e',
      'true',
      'null',
      '//',
      '/*',
      '*/',
      '"a"',
      '\u0000',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(token).map((tokens) => tokens.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseJsonc(text);
        } catch (error) {
          expect(error).toBeInstanceOf(JsoncError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

function messageOf(run: () => unknown): string | undefined {
  return (caught(run) as JsoncError | undefined)?.message;
}

function hintOf(run: () => unknown): string | undefined {
  return (caught(run) as JsoncError | undefined)?.hint;
}
