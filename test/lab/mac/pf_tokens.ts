/**
 * The words of pf.conf(5), as yylex() of pfctl's parse.y (OpenBSD 1.554 of 2008, on which Apple's is based) takes them
 * apart: one list a statement, macros put in.
 */

/** pfctl refuses the file for it, all of it. */
export class PfError extends Error {
  readonly line: number;
  readonly reason: string;

  constructor(line: number, reason: string, file: string) {
    super(`${file}:${line}: ${reason}`);
    this.line = line;
    this.reason = reason;
  }
}

export interface Token {
  readonly kind: 'word' | 'quoted' | 'mark';
  readonly text: string;
  readonly line: number;
}

export interface Statement {
  readonly tokens: readonly Token[];
  /** Of the newline that ends it. */
  readonly line: number;
}

/** Said of a word that can't be where it is. */
export const SYNTAX = 'syntax error';
/** Longest first. */
const MARKS = ['->', '<>', '><', '(', ')', '{', '}', '<', '>', '!', '=', '/', ','];
/** allowed_in_string() of yylex(): letters, digits and punctuation but for these. */
const WORD = /^(?:[A-Za-z0-9:_*]|-\d)[^\s(){}<>!=/#,"]*/;
const MACRO = /^\$([A-Za-z0-9_]*)/;

/**
 * @param text of the file, whose last line must end too
 * @throws PfError
 */
export function* statements(text: string, file: string): Generator<Statement> {
  const macros = new Map<string, string>();
  let tokens: Token[] = [];
  let depth = 0;
  let line = 1;
  for (const [piece, ends] of logicalLines(text)) {
    for (const token of tokensOf(piece.text, line, macros, file)) {
      if (token.kind === 'mark' && token.text === '{') depth++;
      if (token.kind === 'mark' && token.text === '}') depth--;
      tokens.push(token);
    }
    line += piece.lines;
    const last = line - 1;
    if (!ends) {
      // The grammar wants a newline behind every statement, and yylex() doesn't make one up.
      if (tokens.length > 0) throw new PfError(last, SYNTAX, file);
      return;
    }
    // Inside of a list a newline is no more than a space.
    if (depth > 0) continue;
    if (tokens.length === 0) continue;
    if (!defines(tokens, macros, file)) yield { tokens, line: last };
    tokens = [];
  }
}

/** Lines, those that end in a backslash joined with the next; the last one may lack its end. */
function* logicalLines(text: string): Generator<[{ text: string; lines: number }, boolean]> {
  let joined = '';
  let lines = 0;
  const pieces = text.split('\n');
  for (const [i, piece] of pieces.entries()) {
    const isLast = i === pieces.length - 1;
    lines++;
    if (!isLast && piece.endsWith('\\')) {
      joined += `${piece.slice(0, -1)} `;
      continue;
    }
    yield [{ text: joined + piece, lines }, !isLast];
    joined = '';
    lines = 0;
  }
}

function* tokensOf(
  text: string,
  line: number,
  macros: ReadonlyMap<string, string>,
  file: string,
): Generator<Token> {
  for (let rest = text.trimStart(); rest !== '' && !rest.startsWith('#'); rest = rest.trimStart()) {
    const macro = MACRO.exec(rest);
    const mark = MARKS.find((one) => rest.startsWith(one));
    if (macro) {
      const value = macros.get(macro[1]!);
      if (value === undefined) throw new PfError(line, `macro '${macro[1]}' not defined`, file);
      yield* tokensOf(value, line, macros, file);
      rest = rest.slice(macro[0].length);
    } else if (mark !== undefined) {
      yield { kind: 'mark', text: mark, line };
      rest = rest.slice(mark.length);
    } else if (rest.startsWith('"')) {
      const end = rest.indexOf('"', 1);
      // A string may go on in the next line; none of ours does, and the file would end inside of it.
      if (end < 0) throw new PfError(line, SYNTAX, file);
      yield { kind: 'quoted', text: rest.slice(1, end), line };
      rest = rest.slice(end + 1);
    } else {
      const word = WORD.exec(rest)?.[0];
      if (word === undefined) throw new PfError(line, SYNTAX, file);
      yield { kind: 'word', text: word, line };
      rest = rest.slice(word.length);
    }
  }
}

/** `name = value …` at the start of a statement. @returns false if it is another statement */
function defines(tokens: readonly Token[], macros: Map<string, string>, file: string): boolean {
  const [name, mark, ...values] = tokens;
  if (name?.kind !== 'word' || mark?.kind !== 'mark' || mark.text !== '=') return false;
  if (values.length === 0 || values.some(({ kind }) => kind === 'mark'))
    throw new PfError(mark.line, SYNTAX, file);
  macros.set(name.text, values.map(({ text }) => text).join(' '));
  return true;
}
