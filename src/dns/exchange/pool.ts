/** A resolver over connections: a few that stay open, opened again when they are needed. */
import { unreachable, type Connection } from './connection.ts';
import type { Exchange, ExchangeError } from './exchange.ts';
import { createGate } from './gate.ts';
import { createIsolation } from './isolation.ts';

/** RFC 7766 §6.2.2: as few as can be; another is opened only when the first is full. */
const MOST_CONNECTIONS = 3;

/**
 * @param label as in {@link Exchange.label}
 * @param connect opens a connection
 * @param most queries that one connection takes at once
 */
export function createPooledExchange(label: string, connect: () => Connection, most: number): Exchange {
  /** Oldest first. */
  const connections = new Set<Connection>();
  const gate = createGate(MOST_CONNECTIONS * most);
  const isolation = createIsolation(label, connect);
  let closed: ExchangeError | undefined;
  /** What connections were closed with of late only because others are to be opened. */
  let renewed: ExchangeError | undefined;

  const connection = (): Connection => {
    for (const one of connections) {
      if (one.isOver) connections.delete(one);
      else if (!one.isFull) return one;
    }
    const [oldest] = connections;
    // All full, though fewer wait than they hold: of queries whose answers never came. The oldest has most of them.
    if (oldest && connections.size === MOST_CONNECTIONS) {
      oldest.close(unreachable(`${label}: too many answers are missing`));
      connections.delete(oldest);
    }
    const fresh = connect();
    connections.add(fresh);
    return fresh;
  };

  return {
    label,

    ask: (query, _question, options) =>
      gate(options.signal, async () => {
        if (closed) throw closed;
        let result = await connection().ask(query, options);
        // Servers close connections at any time (RFC 7766 §6.2.4): asked again on a new one, and from the second time on
        // away from the others, until it is known that this query is why.
        for (let losses = 1; !(result instanceof Uint8Array); losses++) {
          const { error, worked, alone, together } = result;
          if (closed) throw closed;
          const isInnocent = error === renewed;
          if (!isInnocent && (!worked || error.status !== 'ERR_DNS_UNREACHABLE' || (losses > 1 && alone)))
            throw error;
          const again =
            losses > 1 && !isInnocent
              ? isolation.ask(together, query, options)
              : connection().ask(query, options);
          result = await again;
        }
        return result;
      }),

    renew() {
      renewed = unreachable(`${label}: the network has changed`);
      for (const one of connections) one.close(renewed);
      connections.clear();
    },

    close() {
      closed = unreachable(`${label}: closed`);
      for (const one of connections) one.close(closed);
      connections.clear();
      isolation.close(closed);
    },
  };
}
