import { describe, expect, test } from 'bun:test';
import { silent, type Log } from '../../src/base/log.ts';
import { formatEndpoint } from '../../src/net/address.ts';
import { createServerAddress, ResolveError, type Resolved } from '../../src/upstream/server_address.ts';
import { createFakeClock } from '../base/fake_clock.ts';

const text = (server: { endpoints(): readonly Parameters<typeof formatEndpoint>[0][] }) =>
  server.endpoints().map(formatEndpoint);

/** One whose name has been resolved. */
async function known(...given: Parameters<typeof createServerAddress>) {
  const server = createServerAddress(...given);
  await server.ready;
  return server;
}

function resolver(...answers: (Resolved | Error)[]) {
  let asked = 0;
  const resolve = (): Promise<Resolved> => {
    const answer = answers[Math.min(asked++, answers.length - 1)]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return {
    resolve,
    get asked() {
      return asked;
    },
  };
}

describe('createServerAddress()', () => {
  test('asks nobody about an address', async () => {
    const { resolve } = resolver(new Error('must not be asked'));
    expect(text(await known('192.0.2.1', 8388, resolve, silent))).toEqual(['192.0.2.1:8388']);
    expect(text(await known('2001:db8::1', 8388, resolve, silent))).toEqual(['[2001:db8::1]:8388']);
  });

  test('has all addresses of a name, in the order of the answer', async () => {
    const { resolve } = resolver({ addresses: ['192.0.2.1', '2001:db8::1'], ttl: 60 });
    using server = disposable(await known('proxy.example', 443, resolve, silent));
    expect(text(server)).toEqual(['192.0.2.1:443', '[2001:db8::1]:443']);
  });

  test.each([
    ['fails', new Error('ENOTFOUND')],
    ['has no address', { addresses: [], ttl: 60 }],
  ])('says so of a name that %s, and asks again until it has one', async (_, answer) => {
    const asking = resolver(answer, answer, { addresses: ['192.0.2.1'], ttl: 60 });
    const clock = createFakeClock();
    const server = createServerAddress('proxy.example', 443, asking.resolve, silent, clock);
    const error = await server.ready.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ResolveError);
    expect((error as ResolveError).message).toContain('proxy.example');
    await clock.pass(3_000);
    expect([asking.asked, ...text(server)]).toEqual([2]);
    await clock.pass(3_000);
    expect([asking.asked, ...text(server)]).toEqual([3, '192.0.2.1:443']);
    await server.known;
    server.stop();
    expect(clock.waiting).toBe(0);
  });

  test('an address that fails goes behind the others, and the name is asked for again', async () => {
    const first = { addresses: ['192.0.2.1', '192.0.2.2'], ttl: 60 };
    const second = { addresses: ['192.0.2.9'], ttl: 60 };
    const answers = resolver(first, second);
    const said: string[] = [];
    const log: Log = { ...silent, info: (message) => void said.push(message) };
    using server = disposable(await known('proxy.example', 443, answers.resolve, log));
    server.report(server.endpoints()[0]!, false);
    expect(text(server)).toEqual(['192.0.2.2:443', '192.0.2.1:443']);
    await Bun.sleep(0);
    expect(text(server)).toEqual(['192.0.2.9:443']);
    expect(said).toEqual(['the upstream has moved']);
    for (let i = 0; i < 100; i++) server.report(server.endpoints()[0]!, false);
    expect(answers.asked).toBe(2);
  });

  test('an address that has failed stays behind the others when the name still has both', async () => {
    const answers = resolver({ addresses: ['192.0.2.1', '192.0.2.2'], ttl: 60 });
    const said: string[] = [];
    const log: Log = { ...silent, info: (message) => void said.push(message) };
    using server = disposable(await known('proxy.example', 443, answers.resolve, log));
    server.report(server.endpoints()[0]!, false);
    await Bun.sleep(0);
    expect(answers.asked).toBe(2);
    expect(text(server)).toEqual(['192.0.2.2:443', '192.0.2.1:443']);
    expect(said).toEqual([]);
  });

  test('on another network, the name is asked for again, but not all the time', async () => {
    const answers = resolver({ addresses: ['192.0.2.1'], ttl: 60 }, { addresses: ['198.51.100.1'], ttl: 60 });
    const clock = createFakeClock();
    using server = disposable(await known('proxy.example', 443, answers.resolve, silent, clock));
    for (let i = 0; i < 9; i++) server.renew();
    await clock.pass(0);
    expect([answers.asked, ...text(server)]).toEqual([2, '198.51.100.1:443']);
    await clock.pass(2_000);
    server.renew();
    expect(answers.asked).toBe(3);
    await clock.pass(0);
    server.stop();
    await clock.pass(2_000);
    server.renew();
    expect(answers.asked).toBe(3);
  });

  test('keeps the last addresses when asking again fails', async () => {
    const answers = resolver({ addresses: ['192.0.2.1'], ttl: 60 }, new Error('SERVFAIL'));
    const said: string[] = [];
    const log: Log = { ...silent, warn: (message) => void said.push(message) };
    using server = disposable(await known('proxy.example', 443, answers.resolve, log));
    server.report(server.endpoints()[0]!, false);
    await Bun.sleep(0);
    expect(text(server)).toEqual(['192.0.2.1:443']);
    expect(said).toHaveLength(1);
  });

  test('a connection that works changes nothing', async () => {
    const answers = resolver({ addresses: ['192.0.2.1', '192.0.2.2'], ttl: 60 });
    using server = disposable(await known('proxy.example', 443, answers.resolve, silent));
    server.report(server.endpoints()[1]!, true);
    expect(text(server)).toEqual(['192.0.2.1:443', '192.0.2.2:443']);
    expect(answers.asked).toBe(1);
  });
});

describe('a name is asked for again', () => {
  const first = { addresses: ['192.0.2.1'], ttl: 60 };
  const second = { addresses: ['192.0.2.2'], ttl: 60 };

  async function at(...answers: (Resolved | Error)[]) {
    const clock = createFakeClock();
    const asking = resolver(...answers);
    const server = await known('proxy.example', 443, asking.resolve, silent, clock);
    return { clock, asking, server };
  }

  test('when its TTL is over, and not before, time and again', async () => {
    const { clock, asking, server } = await at(first, second, first);
    await clock.pass(59_999);
    expect([asking.asked, ...text(server)]).toEqual([1, '192.0.2.1:443']);
    await clock.pass(1);
    expect([asking.asked, ...text(server)]).toEqual([2, '192.0.2.2:443']);
    await clock.pass(60_000);
    expect([asking.asked, ...text(server)]).toEqual([3, '192.0.2.1:443']);
  });

  test.each([
    [0, 30],
    [7 * 86_400, 3_600],
  ])('with a TTL of %d s after %d s', async (ttl, seconds) => {
    const { clock, asking } = await at({ ...first, ttl });
    await clock.pass(seconds * 1_000 - 1);
    expect(asking.asked).toBe(1);
    await clock.pass(1);
    expect(asking.asked).toBe(2);
  });

  test('half a minute after it could not be resolved', async () => {
    const { clock, asking, server } = await at(first, new Error('SERVFAIL'), second);
    await clock.pass(60_000);
    expect([asking.asked, ...text(server)]).toEqual([2, '192.0.2.1:443']);
    await clock.pass(30_000);
    expect([asking.asked, ...text(server)]).toEqual([3, '192.0.2.2:443']);
  });

  test('by one timer, however often it was asked for in between', async () => {
    const { clock, asking, server } = await at(first);
    for (let i = 0; i < 5; i++) {
      await clock.pass(10_000);
      server.report(server.endpoints()[0]!, false);
    }
    await clock.pass(0);
    expect({ asked: asking.asked, waiting: clock.waiting }).toEqual({ asked: 6, waiting: 1 });
    await clock.pass(59_999);
    expect(asking.asked).toBe(6);
  });

  test('by nobody after the end, also when that comes before an answer', async () => {
    const { clock, asking, server } = await at(first);
    server.report(server.endpoints()[0]!, false);
    server.stop();
    await clock.pass(0);
    expect({ asked: asking.asked, waiting: clock.waiting }).toEqual({ asked: 2, waiting: 0 });
  });
});

function disposable<T extends { stop(): void }>(server: T): T & Disposable {
  return Object.assign(server, { [Symbol.dispose]: () => server.stop() });
}
