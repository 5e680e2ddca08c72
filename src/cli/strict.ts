/**
 * What citty's parser lets pass in silence: unknown flags, missing values, surplus arguments, a flag given twice.
 * The arguments are walked once; citty then gets them in a form that it can read in one way only.
 */
import type { ArgDef, ArgsDef } from 'citty';
import { didYouMean } from '../config/nearest.ts';
import { UsageError } from './usage_error.ts';

export interface Arguments {
  /** Every flag as `--name=value` or `--name`, then `--`, then the positional arguments. */
  readonly rawArgs: string[];
  /** Values of the flags and of the last positional argument, if they may be repeated, in order. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

/** Is help asked for? A wrong flag beside it doesn't matter then. */
export function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).some((word) => word === '--help' || word === '-h');
}

/**
 * @param repeatable names of flags that may be given more than once, and of a last positional argument that may
 * @throws UsageError
 */
export function checkArguments(
  argv: readonly string[],
  definitions: ArgsDef,
  repeatable: readonly string[] = [],
): Arguments {
  const flags: string[] = [];
  const positionals: string[] = [];
  const seen = new Set<string>();
  const lists = new Map<string, string[]>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') {
      positionals.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word);
      continue;
    }
    const equals = word.indexOf('=');
    const written = equals < 0 ? word : word.slice(0, equals);
    const [name, definition] = findFlag(written, definitions);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    if (definition.type === 'boolean') {
      if (inline !== undefined) throw new UsageError(`${written} takes no value`);
      flags.push(`--${name}`);
    } else {
      const value = inline ?? valueAfter(written, argv[++i]);
      if (value === '') throw new UsageError(`${written} needs a value`);
      checkChoice(written, value, definition);
      flags.push(`--${name}=${value}`);
      lists.set(name, [...(lists.get(name) ?? []), value]);
    }
    if (seen.has(name) && !repeatable.includes(name)) throw new UsageError(`${written} is given twice`);
    seen.add(name);
  }
  const missing = Object.entries(definitions).find(
    ([name, definition]) => definition.type !== 'positional' && definition.required && !seen.has(name),
  );
  if (missing) throw new UsageError(`missing flag ${spellings(...missing).join(' or ')}`);
  const last = checkPositionals(positionals, definitions, repeatable);
  if (last) lists.set(...last);
  return { rawArgs: [...flags, '--', ...positionals], lists };
}

/** An argument as a message may show it: a link has a password in it. */
export function shownArgument(word: string): string {
  return word.includes('://') ? 'a link' : JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
}

function findFlag(written: string, definitions: ArgsDef): [string, ArgDef] {
  const flags = Object.entries(definitions).filter(([, { type }]) => type !== 'positional');
  const found = flags.find(([name, definition]) => spellings(name, definition).includes(written));
  if (found) return found;
  const known = [...flags.flatMap(([name, definition]) => spellings(name, definition)), '--help', '-h'];
  const longs = known.filter((spelling) => spelling.startsWith('--'));
  // Of a single dash only the name is shown, cut short: `-pPASSWORD` is how other programs take one.
  const shown = written.startsWith('--') ? written : written.slice(0, 2);
  const hint = written.length > 2 ? didYouMean(written, longs) : `known: ${known.join(' ')}`;
  throw new UsageError(`unknown flag ${shown}`, hint);
}

function spellings(name: string, definition: ArgDef): string[] {
  const alias = 'alias' in definition ? (definition.alias ?? []) : [];
  return [`--${name}`, ...(Array.isArray(alias) ? alias : [alias]).map((letter) => `-${letter}`)];
}

function valueAfter(written: string, next: string | undefined): string {
  if (next === undefined) throw new UsageError(`${written} needs a value`);
  if (next.startsWith('-') && next !== '-') {
    const hint = written.startsWith('--') ? `a value that begins with - is written ${written}=-…` : undefined;
    throw new UsageError(`${written} needs a value`, hint);
  }
  return next;
}

function checkChoice(written: string, value: string, definition: ArgDef): void {
  if (definition.type !== 'enum' || definition.options?.includes(value) !== false) return;
  const { options } = definition;
  throw new UsageError(
    `${written}: found ${shownArgument(value)}, expected one of ${options.join(', ')}`,
    didYouMean(value, options),
  );
}

/** @returns the name and the values of the one that may be repeated */
function checkPositionals(
  positionals: readonly string[],
  definitions: ArgsDef,
  repeatable: readonly string[],
): [string, string[]] | undefined {
  const wanted = Object.entries(definitions).filter(([, { type }]) => type === 'positional');
  const missing = wanted.slice(positionals.length).find(([, { required }]) => required !== false);
  if (missing) throw new UsageError(`missing argument ${missing[0].toUpperCase()}`);
  const last = wanted.at(-1)?.[0];
  if (last !== undefined && repeatable.includes(last)) return [last, positionals.slice(wanted.length - 1)];
  const surplus = positionals[wanted.length];
  if (surplus !== undefined) throw new UsageError(`unexpected argument ${shownArgument(surplus)}`);
  return undefined;
}
