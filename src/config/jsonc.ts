/**
 * JSON (RFC 8259) with trailing commas and with comments: those of C, and `#`, which the Go program's README used.
 * Bun.JSONC is not used: it tells no position, quotes what it found (which may be a password), ignores what follows
 * the value, and lets the second of two equal keys win.
 */

/** Both from 1; the column counts UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Parsed {
  readonly value: unknown;
  /** Where a key, or an item of a list, begins; undefined for one that the text doesn't have. */
  readonly placeOf: (path: Path) => Place | undefined;
}

export type Path = readonly (string | number)[];

/** A path as a key of a map. */
export function pathKey(path: Path): string {
  return path.join('\0');
}

export class JsoncError extends Error {
  readonly place: Place;
  readonly found: string;
  readonly expected: string;
  readonly hint: string | undefined;

  constructor(place: Place, expected: string, found: string, hint?: string) {
    super(`${place.line}:${place.column}: found ${found}, expected ${expected}`);
    this.name = 'JsoncError';
    this.place = place;
    this.expected = expected;
    this.found = found;
    this.hint = hint;
  }
}

/** Deeper nesting is a mistake or an attack on the stack. */
const DEEPEST = 64;
/** Names that an object of JavaScript can't have as ordinary keys. */
const SPECIAL = new Set(['__proto__', 'constructor', 'prototype']);

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$-]*/y;
const SPACE = /(?:[ \t\r\n\uFEFF]+|\/\/[^\n]*|#[^\n]*|\/\*[^]*?\*\/)*/y;
// A text has no control characters: RFC 8259 §7.
// oxlint-disable-next-line no-control-regex
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** @throws JsoncError, and nothing else */
export function parseJsonc(text: string): Parsed {
  const offsets = new Map<string, number>();
  let at = 0;
  /** End of the last token: a missing comma belongs there, not where the next token begins. */
  let tokenEnd = 0;

  function placeAt(offset: number): Place {
    const before = text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { line: before.split('\n').length, column: offset - lineStart + 1 };
  }

  function fail(expected: string, hint?: string, offset = at): never {
    throw new JsoncError(placeAt(offset), expected, foundAt(text, offset), hint);
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  }

  function skip(): void {
    at += match(SPACE)!.length;
    if (text.startsWith('/*', at)) fail('the end of the comment', 'a comment /* ends with */');
  }

  function take(token: string): void {
    at += token.length;
    tokenEnd = at;
    skip();
  }

  function parseValue(path: Path): unknown {
    if (path.length > DEEPEST) fail(`at most ${DEEPEST} levels`);
    switch (text.charAt(at)) {
      case '{':
        return parseObject(path);
      case '[':
        return parseList(path);
      case '"':
        return parseString();
      default:
        return parseScalar();
    }
  }

  function parseScalar(): unknown {
    const token = match(NUMBER) ?? match(WORD);
    const value = token === undefined ? undefined : SCALARS.get(token);
    if (value !== undefined) {
      take(token!);
      return value;
    }
    if (token === undefined || !/^[-\d]/.test(token)) return fail('a value', valueHint(text, at));
    take(token);
    return Number(token);
  }

  function parseString(): string {
    const token = match(STRING);
    if (token === undefined) {
      return fail('a text in double quotes', 'it must end in its line; write \\ as \\\\ and " as \\"');
    }
    take(token);
    return JSON.parse(token) as string;
  }

  function parseObject(path: Path): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    take('{');
    while (text[at] !== '}') {
      if (text[at] !== '"') fail('a key in double quotes, or }');
      const start = at;
      const key = parseString();
      if (SPECIAL.has(key)) fail('a key of the configuration', undefined, start);
      if (Object.hasOwn(object, key)) fail('each key once', `"${key}" is there twice`, start);
      if (text[at] !== ':') fail('":" after the key');
      take(':');
      const inner = [...path, key];
      offsets.set(pathKey(inner), start);
      object[key] = parseValue(inner);
      comma('}');
    }
    take('}');
    return object;
  }

  function parseList(path: Path): unknown[] {
    const list: unknown[] = [];
    take('[');
    while (text[at] !== ']') {
      const inner = [...path, list.length];
      offsets.set(pathKey(inner), at);
      list.push(parseValue(inner));
      comma(']');
    }
    take(']');
    return list;
  }

  function comma(end: string): void {
    if (text[at] === ',') take(',');
    else if (text[at] !== end) {
      const { line, column } = placeAt(tokenEnd);
      fail(`"," or "${end}"`, `is a comma missing at ${line}:${column}?`);
    }
  }

  skip();
  const value = parseValue([]);
  if (at < text.length) fail('nothing after the value');
  return {
    value,
    placeOf: (path) => {
      const offset = offsets.get(pathKey(path));
      return offset === undefined ? undefined : placeAt(offset);
    },
  };
}

const SCALARS = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** Says the kind of what stands there; letters and digits could be of a password. */
function foundAt(text: string, offset: number): string {
  const character = text[offset];
  if (character === undefined) return 'the end of the file';
  if (character === '"') return 'a text';
  if (/[\w$]/.test(character)) return 'a word without quotes';
  return /[!-~]/.test(character) ? `"${character}"` : 'a character that is not of JSON';
}

function valueHint(text: string, offset: number): string | undefined {
  const character = text[offset] ?? '';
  if (character === "'") return 'texts stand in double quotes';
  return /[A-Za-z_]/.test(character) ? 'a text stands in double quotes' : undefined;
}
