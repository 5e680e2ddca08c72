/** A connection of framed messages: answers come in any order and are told apart by id (RFC 7766 §6.2.1.1, §7). */
import type { ByteStream, ByteStreamEvents } from '../../net/byte_stream.ts';
import { answers, copyWithId } from '../wire/answer.ts';
import { createUnframer, frame } from '../wire/framing.ts';
import { HEADER_SIZE, idOf } from '../wire/header.ts';
import { createWatch, notBelieved, unreachable, type Connection, type Lost } from './connection.ts';
import { ExchangeError } from './exchange.ts';
import { onAbort, timeout } from './gate.ts';
import { randomId } from './random_id.ts';

/** Queries under way at once, with those that nobody waits for any more: their ids are not free yet. */
export const MOST_FRAMED = 1_000;

/** What waits for the answer with one id. */
interface Waiter {
  take(message: Uint8Array): void;
  lost(how: Lost): void;
}

/**
 * Opens a connection; queries may be given to it at once.
 *
 * @param open begins to connect; its error may be an {@link ExchangeError} and is passed on then
 * @param label for messages
 */
export function connectFramed(open: (events: ByteStreamEvents) => ByteStream, label: string): Connection {
  /** By id. undefined: nobody waits any more, but the answer may still come. */
  const pending = new Map<number, Waiter | undefined>();
  /** Frames that wait for the connection to open, or for others that are asked at the same time: one write for all. */
  let unsent: Uint8Array[] = [];
  let isOpen = false;
  /** Queries, ever. */
  let asked = 0;
  let over: ExchangeError | undefined;
  let stream: ByteStream | undefined;

  const end = (error: ExchangeError) => {
    if (over) return;
    over = error;
    watch.stop();
    stream?.close();
    const together = { count: pending.size };
    const how = { error, worked: isOpen, alone: asked === 1, together };
    for (const waiter of pending.values()) waiter?.lost(how);
    pending.clear();
  };
  const watch = createWatch(label, end);
  const unframer = createUnframer();

  const flush = () => {
    if (!isOpen || over || unsent.length === 0) return;
    stream?.write(unsent.length === 1 ? unsent[0]! : Buffer.concat(unsent));
    unsent = [];
  };
  const receive = (message: Uint8Array) => {
    const id = idOf(message);
    const waiter = pending.get(id);
    if (waiter) waiter.take(message);
    else pending.delete(id);
  };

  stream = open({
    open() {
      if (over) return;
      isOpen = true;
      flush();
      watch.restart(pending.size);
    },
    data(bytes) {
      if (over) return;
      unframer.push(bytes);
      for (let message = unframer.next(); message !== undefined; message = unframer.next()) {
        if (message.length < HEADER_SIZE) return end(notDns(label, message.length));
        receive(message);
      }
      watch.restart(pending.size);
    },
    close(error) {
      const what = `${label}: the connection ${error ? 'failed' : 'was closed'}`;
      end(error instanceof ExchangeError ? error : unreachable(what, error));
    },
  });

  return {
    get isOver() {
      return over !== undefined;
    },
    get isFull() {
      return pending.size >= MOST_FRAMED;
    },

    ask: (query, { signal, accept }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(timeout(`${label}: not asked in time`, signal));
        if (over) return resolve({ error: over, worked: isOpen, alone: false, together: { count: 1 } });
        asked++;
        const id = unusedId(pending);
        const sent = copyWithId(query, id);
        const leave = onAbort(signal, () => {
          pending.set(id, undefined);
          reject(timeout(`${label}: no answer in time`, signal));
        });
        pending.set(id, {
          take(message) {
            // Another question under our id is nobody's answer (RFC 5452 §9.1); ours may still come.
            if (!answers(sent, message)) return;
            leave();
            pending.delete(id);
            // Copied: it must not hold all that came together with it.
            const answer = copyWithId(message, idOf(query));
            if (!accept || accept(answer)) resolve(answer);
            else reject(notBelieved(label));
          },
          lost(how) {
            leave();
            resolve(how);
          },
        });
        // Queries come in batches, each in a turn of its own; only behind all of them is it the loop's turn.
        if (unsent.push(frame(sent)) === 1) setImmediate(flush);
        if (isOpen && pending.size === 1) watch.restart(1);
      }),

    close: end,
  };
}

function notDns(label: string, length: number): ExchangeError {
  return new ExchangeError('ERR_DNS_PROTOCOL', `${label}: a DNS message of ${length} bytes came`);
}

/** Random, as over UDP: it costs nothing more. There is always one, below {@link MOST_FRAMED}. */
function unusedId(pending: ReadonlyMap<number, unknown>): number {
  for (;;) {
    const id = randomId();
    if (!pending.has(id)) return id;
  }
}
