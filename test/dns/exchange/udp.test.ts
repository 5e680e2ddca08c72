import { afterEach, describe, expect, jest, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import type { Exchange } from '../../../src/dns/exchange/exchange.ts';
import { createExchange } from '../../../src/dns/exchange/create.ts';
import { idOf } from '../../../src/dns/wire/header.ts';
import { frame } from '../../../src/dns/wire/framing.ts';
import { unframing } from '../wire/unframing.ts';
import { resolverConfig } from '../../config/resolver_config.ts';
import { eventually } from '../../lab/eventually.ts';
import { answer, ask, failure, NEVER, told, TRUNCATED } from './messages.ts';
import { openDirect } from './open_direct.ts';

interface Heard {
  readonly query: Uint8Array;
  readonly port: number;
}

interface Server extends Disposable {
  readonly port: number;
  readonly heard: Heard[];
}

/** A resolver on loopback that does with each datagram what the test says; `say` sends one back. */
async function resolver(
  onQuery: (query: Uint8Array, say: (message: Uint8Array) => void, nth: number) => void,
  hostname = '127.0.0.1',
  port = 0,
): Promise<Server> {
  const heard: Heard[] = [];
  const socket = await Bun.udpSocket({
    hostname,
    port,
    socket: {
      data(it, bytes, from, address) {
        const query = new Uint8Array(bytes);
        heard.push({ query, port: from });
        const say = (message: Uint8Array) => {
          try {
            it.send(message, from, address);
          } catch (error) {
            // ICMP said of an earlier answer, to a query that was sent again, that nobody waits for it any more.
            if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
          }
        };
        onQuery(query, say, heard.length);
      },
      error() {},
    },
  });
  return { port: socket.port, heard, [Symbol.dispose]: () => socket.close() };
}

const exchanges: Exchange[] = [];
afterEach(() => {
  jest.useRealTimers();
  for (const exchange of exchanges.splice(0)) exchange.close();
});

function asking(port: number, { mixCase = false, hostname = '127.0.0.1' } = {}): Exchange {
  const exchange = createExchange(resolverConfig('udp', hostname, port), { open: openDirect, mixCase });
  exchanges.push(exchange);
  return exchange;
}

const TRUE = ['192.0.2.1'];
const FORGED = ['203.0.113.1'];
const sockets = () => readdirSync('/dev/fd').length;

test('each query leaves from a port and with an id of its own', async () => {
  using server = await resolver((query, say) => say(answer(query, TRUE)));
  const exchange = asking(server.port);
  const { query, question } = ask('a.test', { id: 7 });
  for (let n = 0; n < 64; n++) {
    expect(told(await exchange.ask(query, question, { signal: NEVER }))).toEqual({ id: 7, data: TRUE });
  }
  // Random out of thousands: two may be equal, not ten.
  expect(new Set(server.heard.map(({ port }) => port)).size).toBeGreaterThan(54);
  expect(new Set(server.heard.map(({ query }) => idOf(query))).size).toBeGreaterThan(54);
});

test('a resolver of IPv6 is asked like any other', async () => {
  using server = await resolver((query, say) => say(answer(query, TRUE)), '::1');
  const { query, question } = ask('a.test');
  const asked = asking(server.port, { hostname: '::1' }).ask(query, question, { signal: NEVER });
  expect(told(await asked).data).toEqual(TRUE);
});

test('wrong ids, other questions and queries are no answers; the wait goes on', async () => {
  using server = await resolver((query, say) => {
    say(answer(query, FORGED, { id: idOf(query) ^ 0x8000 }));
    say(answer(ask('b.test', { id: idOf(query) }).query, FORGED));
    say(query);
    say(query.slice(0, 5));
    say(crypto.getRandomValues(new Uint8Array(100)));
    say(answer(query, TRUE));
  });
  const { query, question } = ask('a.test');
  const asked = asking(server.port).ask(query, question, { signal: NEVER });
  expect(told(await asked).data).toEqual(TRUE);
});

test('forged answers that are not believed don’t end the wait', async () => {
  using server = await resolver((query, say) => {
    for (let n = 0; n < 3; n++) say(answer(query, FORGED));
    setTimeout(() => say(answer(query, TRUE)), 30);
  });
  const { query, question } = ask('a.test');
  const seen: unknown[] = [];
  const accept = (message: Uint8Array) => {
    const { id, data } = told(message);
    seen.push(data);
    expect(id).toBe(0x1234);
    return data[0] !== FORGED[0];
  };
  const asked = asking(server.port).ask(query, question, { signal: NEVER, accept });
  expect(told(await asked).data).toEqual(TRUE);
  expect(seen).toEqual([FORGED, FORGED, FORGED, TRUE]);
});

test('nobody but the resolver is heard', async () => {
  using server = await resolver((query, say) => {
    // From another port of the same address, to the port that has asked.
    const { port } = server.heard.at(-1)!;
    // It hears by ICMP that its datagram found nobody.
    const isHeardByNobody = () => {};
    void Bun.udpSocket({ hostname: '127.0.0.1', port: 0, socket: { error: isHeardByNobody } }).then(
      (liar) => {
        liar.send(answer(query, FORGED), port, '127.0.0.1');
        setTimeout(() => {
          liar.close();
          say(answer(query, TRUE));
        }, 30);
        return undefined;
      },
    );
  });
  const { query, question } = ask('a.test');
  expect(told(await asking(server.port).ask(query, question, { signal: NEVER })).data).toEqual(TRUE);
});

describe('mixed case', () => {
  const LONG = 'www.a-name-with-many-letters-in-it.example.test';

  test('is asked in, and the answer comes back in the query’s own', async () => {
    using server = await resolver((query, say) => say(answer(query, TRUE)));
    const { query, question } = ask(LONG);
    const message = await asking(server.port, { mixCase: true }).ask(query, question, { signal: NEVER });
    const names = server.heard.map(({ query }) => Buffer.from(query).toString('latin1'));
    expect(names.some((name) => /[A-Z]/.test(name) && /[a-z]/.test(name))).toBe(true);
    expect(message.slice(12, question.end)).toEqual(query.slice(12, question.end));
    expect(told(message).data).toEqual(TRUE);
  });

  test('must be repeated', async () => {
    using server = await resolver((query, say) => {
      const lower = query.map((byte, at) => (at >= 12 && byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));
      say(answer(lower, FORGED));
      say(answer(query, TRUE));
    });
    const { query, question } = ask(LONG);
    const asked = asking(server.port, { mixCase: true }).ask(query, question, { signal: NEVER });
    expect(told(await asked).data).toEqual(TRUE);
  });
});

test('an answered query leaves no timer', async () => {
  using server = await resolver((query, say) => say(answer(query, TRUE)));
  jest.useFakeTimers();
  const { query, question } = ask('a.test');
  await asking(server.port).ask(query, question, { signal: NEVER });
  expect(jest.getTimerCount()).toBe(0);
});

test('a lost query is sent again, from the same port and with the same id', async () => {
  using server = await resolver((query, say, nth) => {
    if (nth > 1) say(answer(query, TRUE));
  });
  const { query, question } = ask('a.test');
  expect(told(await asking(server.port).ask(query, question, { signal: NEVER })).data).toEqual(TRUE);
  const [first, second] = server.heard;
  expect(second).toEqual(first);
});

test('what is truncated is asked for over TCP', async () => {
  const many = Array.from({ length: 200 }, (_, n) => `192.0.2.${n}`);
  const unframe = unframing();
  const overTcp: Uint8Array[] = [];
  const tcp = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      binaryType: 'uint8array',
      data(it, bytes) {
        for (const query of unframe(bytes)) {
          overTcp.push(query);
          it.write(frame(answer(query, many)));
        }
      },
    },
  });
  // TCP first: its ports are the scarce ones, with all the connections that have ended lately.
  using server = await resolver(
    (query, say) => say(answer(query, TRUE, { flags: TRUNCATED })),
    '127.0.0.1',
    tcp.port,
  );
  const { query, question } = ask('a.test');
  const message = await asking(server.port, { mixCase: true }).ask(query, question, { signal: NEVER });
  expect(told(message)).toEqual({ id: 0x1234, data: many });
  expect(message[2]! & 0x02).toBe(0);
  expect([server.heard.length, overTcp.length]).toEqual([1, 1]);
  tcp.stop(true);
});

test('a port where nobody listens fails at once', async () => {
  const server = await resolver(() => {});
  server[Symbol.dispose]();
  const { query, question } = ask('a.test');
  expect(await failure(asking(server.port).ask(query, question, { signal: NEVER }))).toBe(
    'ERR_DNS_UNREACHABLE',
  );
});

test('the signal ends the wait for one who never answers, and nothing is left open', async () => {
  using server = await resolver(() => {});
  const exchange = asking(server.port);
  const before = sockets();
  const controller = new AbortController();
  const { query, question } = ask('a.test');
  const asked = failure(exchange.ask(query, question, { signal: controller.signal }));
  await eventually('the query', () => server.heard.length > 0);
  expect(sockets()).toBe(before + 1);
  controller.abort();
  expect(await asked).toBe('ERR_DNS_TIMEOUT');
  expect(sockets()).toBe(before);
});

test('so many at once have a bounded number of sockets, and all are answered', async () => {
  let most = 0;
  using server = await resolver((query, say, nth) => {
    if (nth % 50 === 0) most = Math.max(most, sockets());
    say(answer(query, TRUE));
  });
  const exchange = asking(server.port);
  const before = sockets();
  const asked = Array.from({ length: 3_000 }, (_, n) => {
    const { query, question } = ask(`n${n}.test`);
    return exchange.ask(query, question, { signal: NEVER });
  });
  for (const message of await Promise.all(asked)) expect(told(message).data).toEqual(TRUE);
  expect(most - before).toBeLessThanOrEqual(512);
  expect(sockets()).toBe(before);
});

test('close ends what is under way, and nothing is asked after it', async () => {
  using server = await resolver(() => {});
  const exchange = asking(server.port);
  const before = sockets();
  const { query, question } = ask('a.test');
  const asked = failure(exchange.ask(query, question, { signal: NEVER }));
  await eventually('the query', () => server.heard.length > 0);
  exchange.close();
  expect(await asked).toBe('ERR_DNS_UNREACHABLE');
  expect(await failure(exchange.ask(query, question, { signal: NEVER }))).toBe('ERR_DNS_UNREACHABLE');
  expect(sockets()).toBe(before);
  // What is sent now is heard after all that was sent before.
  const { query: last, question: lastQuestion } = ask('last.test');
  const controller = new AbortController();
  const sent = failure(asking(server.port).ask(last, lastQuestion, { signal: controller.signal }));
  await eventually('the last query', () => Buffer.from(server.heard.at(-1)!.query).includes('last'));
  expect(server.heard).toHaveLength(2);
  controller.abort();
  expect(await sent).toBe('ERR_DNS_TIMEOUT');
});
