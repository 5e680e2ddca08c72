/** The program's log, for people and for grep: stderr, one line an event, `key=value` behind the words. */
import { createConsola, LogLevels, type ConsolaInstance } from 'consola';

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
  const consola: ConsolaInstance = createConsola({
    level: LogLevels[level],
    stdout: process.stderr,
    stderr: process.stderr,
    formatOptions: { date: true, colors: process.stderr.isTTY && !process.env['NO_COLOR'] },
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

/** `message key=value key="two words"`; undefined values are left out, control characters escaped. */
export function line(message: string, fields: Fields = {}): string {
  let text = message;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${quoted(String(value))}`;
  }
  return text;
}

function quoted(value: string): string {
  return /^[^\s"=\\\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
}
