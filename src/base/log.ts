/** The program's log, for people and for grep: stderr, one line an event, `key=value` behind the words. */
import { createConsola, LogLevels, type LogObject } from 'consola/core';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  /** False means a debug line would go nowhere: ask before building one on a hot path. */
  readonly debugging: boolean;
  error(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  debug(message: string, fields?: Fields): void;
  /** From now on. */
  setLevel(level: LogLevel): void;
}

/** A log on stderr. Secrets never come here: what can hold one is redacted by whoever has it. */
export function createLog(level: LogLevel): Log {
  const coloured = process.stderr.isTTY && !process.env['NO_COLOR'];
  const consola = createConsola({
    level: LogLevels[level],
    // consola's own reporters put blank lines around an event and drop back quotes from its text.
    reporters: [{ log: (event) => process.stderr.write(`${render(event, coloured)}\n`) }],
  });
  return {
    get debugging() {
      return consola.level >= LogLevels.debug;
    },
    error: (message, fields) => consola.error(line(message, fields)),
    warn: (message, fields) => consola.warn(line(message, fields)),
    info: (message, fields) => consola.info(line(message, fields)),
    debug: (message, fields) => consola.debug(line(message, fields)),
    setLevel: (next) => {
      consola.level = LogLevels[next];
    },
  };
}

/** A log that says nothing: for tests, and for commands that print their own findings. */
export const silent: Log = {
  debugging: false,
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  setLevel: () => {},
};

/** ECMA-48 §8.3.117: red, yellow, cyan, faint. */
const COLOURS: Readonly<Record<string, number>> = { error: 31, warn: 33, info: 36, debug: 2 };

/** `2026-01-31T12:00:00.000Z warn  ` and the line; consola adds ` (repeated N times)` to one that comes in a burst. */
function render({ date, type, args }: Pick<LogObject, 'date' | 'type' | 'args'>, coloured: boolean): string {
  const level = type.padEnd(5);
  const shown = coloured ? `\x1b[${COLOURS[type] ?? 0}m${level}\x1b[0m` : level;
  return `${date.toISOString()} ${shown} ${args.join(' ')}`;
}

/** `message key=value key="two words"`, on one line; undefined values are left out, control characters escaped. */
export function line(message: string, fields: Fields = {}): string {
  let text = escaped(message);
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${quoted(String(value))}`;
  }
  return text;
}

function quoted(value: string): string {
  return /^[^\s"=\\]+$/.test(value) && escaped(value) === value ? value : escaped(JSON.stringify(value));
}

/**
 * What could end the line, drive the terminal or turn its text round, as \u{…}: a name that somebody looked up, or an
 * answer of somebody's server, may hold it.
 */
export function escaped(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (control) => `\\u{${control.codePointAt(0)!.toString(16)}}`,
  );
}
