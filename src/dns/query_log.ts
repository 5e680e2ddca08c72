/** The query log: one line for each query, `key=value`, on stderr or in a file of its own. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { explain } from '../base/errors.ts';
import { line, type Log } from '../base/log.ts';
import type { Reason, Side } from './question.ts';
import type { Transport } from './server/resolve.ts';
import { rcodeName, typeName } from './wire/constants.ts';

export interface QueryLine {
  readonly client: string;
  readonly transport: Transport;
  readonly name: string;
  readonly type: number;
  /** Undefined: nobody was asked. */
  readonly side: Side | undefined;
  readonly reason: Reason;
  /** Milliseconds from the query to its answer. */
  readonly ms: number;
  readonly rcode: number;
}

export interface QueryLog {
  write(query: QueryLine): void;
  /** Writes what waits, and lets go of the file; a line that comes later opens the path anew. */
  close(): void;
}

/** Lines wait at most so long before they are written together, or until so many bytes wait. */
const FLUSH_MS = 1_000;
const FLUSH_SIZE = 1 << 16;

/** It says who looks up what: nobody but its owner reads it. A link is not followed, lest it lead to another file. */
const MODE = 0o600;
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * @param where a file's path, or `stderr`
 * @param log is told, once until it works again, why lines can't be written; they are lost then
 */
export function openQueryLog(where: string, log: Log): QueryLog {
  const file = where === 'stderr' ? undefined : where;
  let descriptor: number | undefined;
  let complained = false;
  let waiting = '';
  let timer: ReturnType<typeof setTimeout> | undefined;

  function attempt(work: () => void): void {
    try {
      work();
      complained = false;
    } catch (error) {
      if (!complained) log.warn('the query log cannot be written', { file: where, reason: explain(error) });
      complained = true;
    }
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text === '') return;
    if (file === undefined) process.stderr.write(text);
    else
      attempt(() => {
        descriptor ??= openSync(file, FLAGS, MODE);
        writeAll(descriptor, Buffer.from(text));
      });
  }

  function close(): void {
    flush();
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  return {
    write(query) {
      waiting += `${renderQuery(query, new Date())}\n`;
      if (waiting.length >= FLUSH_SIZE) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    close,
  };
}

/** One line without its end. Whatever a name holds, it is one line, and drives no terminal. */
export function renderQuery(query: QueryLine, at: Date): string {
  return line(at.toISOString(), {
    client: query.client,
    transport: query.transport,
    name: query.name === '' ? '.' : query.name,
    type: typeName(query.type),
    way: query.side ?? 'none',
    reason: query.reason,
    ms: Math.round(query.ms * 10) / 10,
    rcode: rcodeName(query.rcode),
  });
}

/** A write may take a part only, on a file system that is nearly full. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
