/** Leaves of the file, and objects of some: what a parser of ours turns into what the program uses, or says why not. */
import * as v from 'valibot';

/** Why a value is not what it should be. Whoever makes one sees to it that `found` shows no secret. */
export class Fault {
  readonly expected: string;
  readonly found: string | undefined;
  readonly hint: string | undefined;
  /** Of an object: the key whose value is wrong. */
  readonly at: string | undefined;

  /** @param found undefined: the text itself, quoted */
  constructor(
    expected: string,
    { found, hint, at }: { found?: string | undefined; hint?: string | undefined; at?: string } = {},
  ) {
    this.expected = expected;
    this.found = found;
    this.hint = hint;
    this.at = at;
  }

  /** The same, of the value of a key. */
  under(at: string): Fault {
    return new Fault(this.expected, { found: this.found, hint: this.hint, at });
  }
}

/** A parser as a step of a schema. A fault becomes an issue that {@link ./problems.ts} turns into a problem. */
export function parsedBy<Written, T>(parse: (written: Written) => T | Fault) {
  return v.rawTransform<Written, T>(({ dataset, addIssue, NEVER }) => {
    const input = dataset.value;
    const result = parse(input);
    if (!(result instanceof Fault)) return result;
    const { expected, found, hint, at } = result;
    addIssue({
      expected,
      received: found ?? shown(input),
      message: hint ?? '',
      // The library knows places within objects by more than their keys; only those are read.
      ...(at !== undefined && {
        path: [{ type: 'unknown', origin: 'value', input, key: at, value: undefined }],
      }),
    });
    return NEVER;
  });
}

const SHOWN_UP_TO = 60;

/** A value as a message may show it. Not for values of secret keys. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  // A share link in a wrong place still has its password in it.
  if (value.includes('://')) return 'a link';
  return value.length > SHOWN_UP_TO ? `a text of ${value.length} characters` : JSON.stringify(value);
}
