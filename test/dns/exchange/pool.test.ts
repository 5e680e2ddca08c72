import { afterEach, expect, jest, test } from 'bun:test';
import { array, assert, asyncProperty, boolean, integer } from 'fast-check';
import type { ExchangeError } from '../../../src/dns/exchange/exchange.ts';
import { MOST_FRAMED } from '../../../src/dns/exchange/framed.ts';
import { createTcpExchange } from '../../../src/dns/exchange/tcp.ts';
import { idOf } from '../../../src/dns/wire/header.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { eventually } from '../../lab/eventually.ts';
import { answer, ask, failure, NEVER, told } from './messages.ts';
import { scriptedStreams, type FarEnd, type ScriptedStreams } from './scripted_stream.ts';

const RESOLVER = { address: parseAddress('192.0.2.53')!, port: 53 };
const exchangeOver = ({ open }: ScriptedStreams) => createTcpExchange('tcp://192.0.2.53', open, RESOLVER);

/** The address that stands for the n-th name. */
const address = (n: number) => `192.0.${n >> 8}.${n & 255}`;
const names = (count: number) => Array.from({ length: count }, (_, n) => `n${n}.test`);
/** Behind the header: an id may look like a name. */
const addressOfQuery = (query: Uint8Array) =>
  address(Number(/n(\d+)/.exec(Buffer.from(query).toString('latin1', 12))![1]));
const reply = (query: Uint8Array, end: FarEnd) => end.send(answer(query, [addressOfQuery(query)]));

afterEach(() => {
  jest.useRealTimers();
});

test('queries share a connection, and answers may come in any order', async () => {
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const asked = names(50).map((name, n) => {
    const { query, question } = ask(name, { id: n });
    return exchange.ask(query, question, { signal: NEVER });
  });
  const [end] = streams.ends;
  await eventually('all queries', () => end!.queries.length === 50);
  for (const query of end!.queries.toReversed()) reply(query, end!);
  const answers = await Promise.all(asked);
  expect(answers.map(told)).toEqual(names(50).map((_, n) => ({ id: n, data: [address(n)] })));
  expect(streams.ends).toHaveLength(1);
  // Queries with equal ids are told apart as well: ids on the wire are our own, and all different.
  expect(new Set(end!.queries.map(idOf)).size).toBe(50);
  exchange.close();
  expect(end!.isClosed).toBe(true);
});

test('the query is neither kept nor changed', async () => {
  const streams = scriptedStreams({ accepts: false });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n7.test');
  const before = query.slice();
  const asked = exchange.ask(query, question, { signal: NEVER });
  expect(query).toEqual(before);
  streams.ends[0]!.accept();
  reply(streams.ends[0]!.queries[0]!, streams.ends[0]!);
  expect(told(await asked)).toEqual({ id: 0x1234, data: [address(7)] });
  exchange.close();
});

test('an answer with another id or another question is not believed', async () => {
  const streams = scriptedStreams({
    onQuery(query, end) {
      end.send(answer(query, ['203.0.113.1'], { id: idOf(query) ^ 1 }));
      end.send(answer(ask('other.test', { id: idOf(query) }).query, ['203.0.113.2']));
      end.send(query);
      reply(query, end);
    },
  });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  expect(told(await exchange.ask(query, question, { signal: NEVER })).data).toEqual([address(1)]);
  exchange.close();
});

test('an answer that is refused ends the wait: there is no other', async () => {
  const exchange = exchangeOver(scriptedStreams({ onQuery: reply }));
  const { query, question } = ask('n1.test');
  const asked = exchange.ask(query, question, { signal: NEVER, accept: () => false });
  expect(await failure(asked)).toBe('ERR_DNS_PROTOCOL');
  exchange.close();
});

test.each([
  ['a length of 0', [0, 0]],
  ['a message shorter than a header', [0, 5, 1, 2, 3, 4, 5]],
])('garbage ends the connection and is not asked for again: %s', async (_, bytes) => {
  const streams = scriptedStreams({ onQuery: (_query, end) => end.sendRaw(Uint8Array.from(bytes)) });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  expect(await failure(exchange.ask(query, question, { signal: NEVER }))).toBe('ERR_DNS_PROTOCOL');
  expect(streams.ends.map(({ isClosed }) => isClosed)).toEqual([true]);
  exchange.close();
});

test('a connection that dies is opened again, once', async () => {
  const streams = scriptedStreams({
    onQuery(query, end) {
      if (streams.ends.length === 1) end.end();
      else reply(query, end);
    },
  });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  expect(told(await exchange.ask(query, question, { signal: NEVER })).data).toEqual([address(1)]);
  expect(streams.ends).toHaveLength(2);
  exchange.close();
});

test('on another network, what is open is left, and what was under way is asked again on a new connection', async () => {
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const asked = names(20).map((name) => {
    const { query, question } = ask(name);
    return exchange.ask(query, question, { signal: NEVER });
  });
  await eventually('the queries', () => streams.ends[0]!.queries.length === 20);
  exchange.renew!();
  exchange.renew!();
  expect(streams.ends[0]!.isClosed).toBe(true);
  await eventually('them again', () => streams.ends[1]?.queries.length === 20);
  exchange.renew!();
  await eventually('them once more', () => streams.ends[2]?.queries.length === 20);
  for (const query of streams.ends[2]!.queries) reply(query, streams.ends[2]!);
  const answers = await Promise.all(asked);
  expect(answers.map((message) => told(message).data)).toEqual(names(20).map((_, n) => [address(n)]));
  expect(streams.ends).toHaveLength(3);
  exchange.close();
});

test('on another network, a connection that was not open yet is left for another', async () => {
  const streams = scriptedStreams({ accepts: false });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n7.test');
  const asked = exchange.ask(query, question, { signal: NEVER });
  exchange.renew!();
  await eventually('another', () => streams.ends.length === 2);
  streams.ends[1]!.accept();
  await eventually('the query', () => streams.ends[1]!.queries.length === 1);
  reply(streams.ends[1]!.queries[0]!, streams.ends[1]!);
  expect(told(await asked).data).toEqual([address(7)]);
  exchange.close();
});

test('on another network, who asks nothing opens nothing', () => {
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  exchange.renew!();
  expect(streams.ends).toHaveLength(0);
  exchange.close();
});

test('a resolver that always hangs up is asked twice, no more', async () => {
  const streams = scriptedStreams({ onQuery: (_, end) => end.end(new Error('reset')) });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  expect(await failure(exchange.ask(query, question, { signal: NEVER }))).toBe('ERR_DNS_UNREACHABLE');
  expect(streams.ends).toHaveLength(2);
  exchange.close();
});

test('a resolver that takes one query a connection answers all', async () => {
  const streams = scriptedStreams({
    onQuery(query, end) {
      if (end.isClosed || query !== end.queries[0]) return;
      reply(query, end);
      end.end();
    },
  });
  const exchange = exchangeOver(streams);
  const answers = await Promise.all(
    names(20).map((name) => {
      const { query, question } = ask(name);
      return exchange.ask(query, question, { signal: NEVER });
    }),
  );
  expect(answers.map((one) => told(one).data)).toEqual(names(20).map((_, n) => [address(n)]));
  expect(streams.ends).toHaveLength(20);
  exchange.close();
});

test('whatever queries make a resolver hang up, and however few it takes on a connection, the others are answered', async () => {
  await assert(
    asyncProperty(
      array(boolean(), { maxLength: 60 }),
      integer({ min: 1, max: 70 }),
      async (poisons, most) => {
        const times = new Map<string, number>();
        const streams = scriptedStreams({
          onQuery(query, end) {
            if (end.isClosed || end.queries.indexOf(query) >= most) return end.end();
            const asked = addressOfQuery(query);
            times.set(asked, (times.get(asked) ?? 0) + 1);
            if (poisons[Number(asked.split('.')[3])]) end.end();
            else reply(query, end);
          },
        });
        const exchange = exchangeOver(streams);
        const outcomes = poisons.map(async (_, n) => {
          const { query, question } = ask(`n${n}.test`);
          return exchange.ask(query, question, { signal: NEVER }).then(
            (message) => told(message).data[0],
            (error: ExchangeError) => error.status,
          );
        });
        expect(await Promise.all(outcomes)).toEqual(
          poisons.map((isPoison, n) => (isPoison ? 'ERR_DNS_UNREACHABLE' : address(n))),
        );
        // Twice with all, then one of 8, one of 2, alone.
        expect(Math.max(0, ...times.values())).toBeLessThanOrEqual(5);
        expect(streams.ends.filter(({ isClosed }) => !isClosed).length).toBeLessThanOrEqual(1);
        exchange.close();
      },
    ),
  );
});

test('a resolver that refuses connections is not tried again for the same query', async () => {
  const streams = scriptedStreams({ accepts: false });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const asked = failure(exchange.ask(query, question, { signal: NEVER }));
  streams.ends[0]!.end(new Error('refused'));
  expect(await asked).toBe('ERR_DNS_UNREACHABLE');
  expect(streams.ends).toHaveLength(1);
  // The next query is tried.
  const next = failure(exchange.ask(query, question, { signal: NEVER }));
  expect(streams.ends).toHaveLength(2);
  exchange.close();
  expect(await next).toBe('ERR_DNS_UNREACHABLE');
});

test('a silent connection is given up, and its queries asked on a new one', async () => {
  jest.useFakeTimers();
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const asked = exchange.ask(query, question, { signal: NEVER });
  await Promise.resolve();
  expect(streams.ends[0]!.queries).toHaveLength(1);
  jest.advanceTimersByTime(3_000);
  expect(streams.ends[0]!.isClosed).toBe(true);
  for (let turn = 0; streams.ends.length < 2 || streams.ends[1]!.queries.length === 0; turn++) {
    expect(turn).toBeLessThan(100);
    await Promise.resolve();
  }
  reply(streams.ends[1]!.queries[0]!, streams.ends[1]!);
  expect(told(await asked).data).toEqual([address(1)]);
  jest.advanceTimersByTime(60_000);
  expect(streams.ends[1]!.isClosed).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
  exchange.close();
});

test('a connection that never opens is given up', async () => {
  jest.useFakeTimers();
  const streams = scriptedStreams({ accepts: false });
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const asked = failure(exchange.ask(query, question, { signal: NEVER }));
  await Promise.resolve();
  jest.advanceTimersByTime(5_000);
  expect(await asked).toBe('ERR_DNS_UNREACHABLE');
  expect(jest.getTimerCount()).toBe(0);
  exchange.close();
});

test('the signal ends the wait; an id is not used again while its answer may come', async () => {
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const controllers = Array.from({ length: 900 }, () => new AbortController());
  const given = controllers.map(({ signal }) => failure(exchange.ask(query, question, { signal })));
  const [end] = streams.ends;
  await eventually('the queries', () => end!.queries.length === 900);
  for (const controller of controllers) controller.abort();
  expect(new Set(await Promise.all(given))).toEqual(new Set(['ERR_DNS_TIMEOUT']));
  const more = Array.from({ length: 100 }, () => exchange.ask(query, question, { signal: NEVER }));
  await eventually('more queries', () => end!.queries.length === 1_000);
  expect(new Set(end!.queries.map(idOf)).size).toBe(1_000);
  for (const one of end!.queries) reply(one, end!);
  await Promise.all(more);
  exchange.close();
});

test('what one connection can’t take goes to others, three at most, and the rest waits', async () => {
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const count = 3 * MOST_FRAMED + 500;
  const asked = Array.from({ length: count }, () => exchange.ask(query, question, { signal: NEVER }));
  const sent = () => streams.ends.flatMap(({ queries }) => queries).length;
  await eventually('three connections to be full', () => sent() === 3 * MOST_FRAMED);
  expect(streams.ends.map(({ queries }) => queries.length)).toEqual([MOST_FRAMED, MOST_FRAMED, MOST_FRAMED]);
  let done = 0;
  for (const one of asked) void one.then(() => done++);
  const answered = new Map<FarEnd, number>();
  await eventually('all answers', () => {
    for (const end of streams.ends) {
      const from = answered.get(end) ?? 0;
      const fresh = end.queries.slice(from);
      answered.set(end, from + fresh.length);
      for (const one of fresh) reply(one, end);
    }
    return done === count;
  });
  expect(streams.ends).toHaveLength(3);
  exchange.close();
});

test('nothing is asked after close, what was under way fails, and no timer is left', async () => {
  jest.useFakeTimers();
  const streams = scriptedStreams();
  const exchange = exchangeOver(streams);
  const { query, question } = ask('n1.test');
  const asked = failure(exchange.ask(query, question, { signal: NEVER }));
  exchange.close();
  expect(await asked).toBe('ERR_DNS_UNREACHABLE');
  expect(await failure(exchange.ask(query, question, { signal: NEVER }))).toBe('ERR_DNS_UNREACHABLE');
  expect(await failure(exchange.ask(query, question, { signal: AbortSignal.abort() }))).toMatch(/^ERR_DNS/);
  expect(streams.ends).toHaveLength(1);
  expect(jest.getTimerCount()).toBe(0);
});
