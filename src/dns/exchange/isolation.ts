/**
 * Queries that two connections were lost with. A server may close one at any time (RFC 7766 §6.2.4), but some do it
 * because of a query, and all that were asked along with that one would fail. So those lost together are divided, and each
 * part is asked on a connection of its own; if that is lost as well, its queries are divided again, down to one query a
 * connection: then it is known which.
 */
import { unreachable, type AskOptions, type Connection, type Lost, type Together } from './connection.ts';
import type { ExchangeError } from './exchange.ts';
import { createGate } from './gate.ts';

/** As few parts as lead to single queries soon: one at home has rarely more under way. */
const PARTS = 8;
/** Queries under way at once; there are no more connections than that. */
const MOST_ISOLATED = 128;

export interface Isolation {
  /**
   * As {@link Connection.ask}, on a connection that is shared with some of those lost together, or with none.
   * @throws ExchangeError what it was closed with, also for that reason
   */
  ask(lostWith: Together, query: Uint8Array, options: AskOptions): Promise<Uint8Array | Lost>;
  close(error: ExchangeError): void;
}

/** Queries that are asked on the same connections. */
interface Part {
  /** How many it takes yet. */
  free: number;
  /** Who has not got an answer yet. */
  inside: number;
  /** The last takes queries, if it still does. */
  readonly connections: Connection[];
}

/** @param label for messages */
export function createIsolation(label: string, connect: () => Connection): Isolation {
  /** The part that is being filled, of each company. */
  const filling = new WeakMap<Together, Part>();
  const parts = new Set<Part>();
  const gate = createGate(MOST_ISOLATED);
  let closed: ExchangeError | undefined;

  const partFor = (lostWith: Together): Part => {
    const last = filling.get(lostWith);
    if (last && last.free > 0) return last;
    const part = { free: Math.ceil(lostWith.count / PARTS), inside: 0, connections: [] };
    filling.set(lostWith, part);
    parts.add(part);
    return part;
  };

  /** Another where the one that there was is lost already: those who waited for room meanwhile had no part in that. */
  const connectionOf = ({ connections }: Part): Connection => {
    if (closed) throw closed;
    const last = connections.at(-1);
    if (last && !last.isOver && !last.isFull) return last;
    const fresh = connect();
    connections.push(fresh);
    return fresh;
  };

  const end = (part: Part, error: ExchangeError) => {
    part.free = 0;
    parts.delete(part);
    for (const one of part.connections) one.close(error);
  };

  return {
    async ask(lostWith, query, options) {
      const part = partFor(lostWith);
      part.free--;
      part.inside++;
      try {
        return await gate(options.signal, async () => connectionOf(part).ask(query, options));
      } finally {
        if (--part.inside === 0) end(part, unreachable(`${label}: the connection is not needed any more`));
      }
    },

    close(error) {
      closed = error;
      for (const part of parts) end(part, error);
    },
  };
}
