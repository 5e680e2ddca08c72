import { afterEach, describe, expect, test } from 'bun:test';
import { explain } from '../../../src/base/errors.ts';
import { frame } from '../../../src/dns/wire/framing.ts';
import { DnsListenError, listenDns, type DnsListener } from '../../../src/dns/server/listener.ts';
import type { Resolve, Transport } from '../../../src/dns/server/resolve.ts';
import type { TcpLimits } from '../../../src/dns/server/tcp.ts';
import { eventually } from '../../lab/eventually.ts';
import { describeNeeding } from '../../needs.ts';

let listener: DnsListener | undefined;
let failures: unknown[] = [];
afterEach(() => {
  listener?.close();
  listener = undefined;
  failures = [];
});

/** The listener looks at no byte of a message: here the first one says what is to become of it. */
const ECHO = 1;
const LATER = 2;
const DROP = 3;
const THROW = 4;
const REJECT = 5;
const LONG = 6;

async function listen(tcp?: TcpLimits) {
  const asked: Transport[] = [];
  const waiting: (() => void)[] = [];
  const resolve: Resolve = (message, _, transport) => {
    asked.push(transport);
    switch (message[0]) {
      case LATER:
        return new Promise((resolve) => void waiting.push(() => resolve(message.slice())));
      case DROP:
        return undefined;
      case THROW:
        throw new Error('thrown');
      case REJECT:
        return Promise.reject(new Error('rejected'));
      case LONG:
        return new Uint8Array(60_000).fill(LONG);
      default:
        return message.slice();
    }
  };
  listener = await listenDns({
    port: 0,
    resolve,
    failed: (error) => void failures.push((error as Error).message),
    holder: () => 'somebody',
    ...(tcp ? { tcp } : {}),
  });
  return { port: listener.port, asked, release: () => waiting.splice(0).forEach((go) => go()), waiting };
}

async function datagrams(port: number, hostname = '127.0.0.1') {
  const got: number[][] = [];
  const socket = await Bun.udpSocket({
    hostname,
    connect: { hostname, port },
    socket: { data: (_, bytes) => void got.push([...bytes]) },
  });
  return {
    got,
    send: (...bytes: number[]) => socket.send(Uint8Array.from(bytes)),
    close: () => socket.close(),
  };
}

/** A client that reads only what it is told to. */
async function stream(port: number, { reads = true } = {}) {
  const chunks: Uint8Array[] = [];
  const state = { closed: false };
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    allowHalfOpen: true,
    socket: {
      data(_, bytes) {
        chunks.push(bytes);
      },
      end: () => void (state.closed = true),
      close: () => void (state.closed = true),
      error: () => void (state.closed = true),
    },
  });
  if (!reads) socket.pause();
  return {
    socket,
    state,
    send: (...messages: number[][]) =>
      socket.write(Buffer.concat(messages.map((one) => frame(Uint8Array.from(one))))),
    size: () => chunks.reduce((sum, { length }) => sum + length, 0),
    got(): number[][] {
      const received = Buffer.concat(chunks);
      const messages: number[][] = [];
      for (let at = 0; at + 2 <= received.length && at + 2 + received.readUInt16BE(at) <= received.length;) {
        messages.push([...received.subarray(at + 2, at + 2 + received.readUInt16BE(at))]);
        at += 2 + received.readUInt16BE(at);
      }
      return messages;
    },
  };
}

describe('over UDP', () => {
  test('answers on both families, at once or later, in whatever order', async () => {
    const { port, release, waiting } = await listen();
    for (const hostname of ['127.0.0.1', '::1']) {
      const client = await datagrams(port, hostname);
      client.send(LATER, 7);
      client.send(ECHO, 8);
      await eventually('the quick one', () => client.got.length === 1 && waiting.length === 1);
      release();
      await eventually('the slow one', () => client.got.length === 2);
      expect(client.got).toEqual([
        [ECHO, 8],
        [LATER, 7],
      ]);
      client.close();
    }
  });

  test('what one query throws is told, and ends nothing', async () => {
    const { port, asked } = await listen();
    const client = await datagrams(port);
    for (const kind of [THROW, REJECT, DROP]) client.send(kind);
    await eventually('all three', () => asked.length === 3 && failures.length === 2);
    client.send(ECHO);
    await eventually('the next one', () => client.got.length === 1);
    expect(failures).toEqual(['thrown', 'rejected']);
    client.close();
  });

  test('an answer that can’t be sent does not hold up the others', async () => {
    const { port } = await listen();
    const gone = await datagrams(port);
    const client = await datagrams(port);
    gone.send(ECHO);
    gone.close();
    for (let i = 0; i < 50; i++) client.send(ECHO, i);
    await eventually('all', () => client.got.length === 50);
    client.close();
  });
});

// Others may not go past the system's own limit.
describeNeeding(['root'], 'a burst over UDP', () => {
  test.each(['127.0.0.1', '::1'])('waits in the kernel while we are busy (%s)', async (hostname) => {
    const { port, asked } = await listen();
    const client = await datagrams(port, hostname);
    // All within one turn of the loop, in which the listener reads nothing.
    for (let i = 0; i < 4_000; i++) client.send(DROP);
    await eventually('all', () => asked.length === 4_000);
    client.close();
  });
});

describe('over TCP', () => {
  test('answers several queries of one connection in the order in which they are ready', async () => {
    const { port, release, waiting } = await listen();
    const client = await stream(port);
    client.send([LATER, 1], [ECHO, 2], [ECHO, 3]);
    await eventually('the quick ones', () => client.got().length === 2 && waiting.length === 1);
    release();
    await eventually('the slow one', () => client.got().length === 3);
    expect(client.got()).toEqual([
      [ECHO, 2],
      [ECHO, 3],
      [LATER, 1],
    ]);
    client.socket.terminate();
  });

  test('a client that has sent its FIN gets its answers, then ours', async () => {
    const { port, release, waiting } = await listen();
    const client = await stream(port);
    client.send([LATER, 1], [ECHO, 2]);
    client.socket.shutdown();
    await eventually('the wait', () => waiting.length === 1);
    expect(client.state.closed).toBe(false);
    release();
    await eventually('the end', () => client.state.closed);
    expect(client.got()).toEqual([
      [ECHO, 2],
      [LATER, 1],
    ]);
  });

  test.each([
    ['thrown', [THROW], ['thrown']],
    ['rejected', [REJECT], ['rejected']],
    ['no query', [DROP], []],
    ['no message', [], []],
  ])('%s: that connection ends or goes on, the listener does', async (_, message, told) => {
    const { port } = await listen();
    const client = await stream(port);
    client.send(message);
    await eventually('the end', () => client.state.closed || failures.length > 0);
    expect(failures).toEqual(told);
    const other = await stream(port);
    other.send([ECHO]);
    await eventually('the answer', () => other.got().length === 1);
    other.socket.terminate();
    client.socket.terminate();
  });

  test('closes what is idle, and what never becomes a query, however it dribbles', async () => {
    const { port } = await listen({ idle: 0.4, connections: 10 });
    const idle = await stream(port);
    const dribbling = await stream(port);
    const dribble = setInterval(() => dribbling.socket.write(Uint8Array.of(1)), 50);
    await eventually('both to end', () => idle.state.closed && dribbling.state.closed);
    clearInterval(dribble);
  });

  test('keeps open what waits for an answer', async () => {
    const { port, release, waiting } = await listen({ idle: 0.2, connections: 10 });
    const waits = await stream(port);
    waits.send([LATER, 1]);
    const idle = await stream(port);
    await eventually('the idle one to end', () => idle.state.closed && waiting.length === 1);
    expect(waits.state.closed).toBe(false);
    release();
    await eventually('the answer', () => waits.got().length === 1);
  });

  test('makes room for a new connection by ending the one silent for longest', async () => {
    const { port } = await listen({ idle: 60, connections: 2 });
    const first = await stream(port);
    const second = await stream(port);
    first.send([ECHO, 1]);
    await eventually('the answer', () => first.got().length === 1);
    const third = await stream(port);
    await eventually('the silent one to end', () => second.state.closed);
    third.send([ECHO, 3]);
    first.send([ECHO, 2]);
    await eventually('the others’ answers', () => third.got().length === 1 && first.got().length === 2);
    for (const { socket } of [first, third]) socket.terminate();
  });

  describe('a client that reads nothing', () => {
    const queries = Array.from({ length: 1_000 }, () => [LONG]);

    test('has no more of its queries read until it does', async () => {
      const { port, asked } = await listen({ idle: 60, connections: 10 });
      const client = await stream(port, { reads: false });
      client.send(...queries);
      const other = await stream(port);
      other.send([ECHO]);
      await eventually('another’s answer', () => other.got().length === 1);
      // Some megabytes are in the kernel's buffers.
      expect(asked.length).toBeLessThan(queries.length / 2);
      client.socket.resume();
      await eventually('all its answers', () => client.size() === queries.length * 60_002);
      for (const { socket } of [client, other]) socket.terminate();
    });

    test('is closed in the end', async () => {
      const { port, asked } = await listen({ idle: 0.3, connections: 10 });
      const client = await stream(port, { reads: false });
      client.send(...queries);
      // Its time runs from the last answer that still found room.
      await eventually('the server to wait for it', async () => {
        const so = asked.length;
        await Bun.sleep(100);
        return so > 0 && asked.length === so;
      });
      const idle = await stream(port);
      await eventually('an idle one to end, whose time was up later', () => idle.state.closed);
      client.socket.resume();
      await eventually('the end', () => client.state.closed);
      expect(client.size()).toBeLessThan(queries.length * 60_002);
    });
  });
});

describe('a port that is taken', () => {
  const attempt = (port: number) =>
    listenDns({ port, resolve: () => undefined, failed: () => {}, holder: () => 'process 1 (it)' }).then(
      (opened) => {
        opened.close();
        return undefined;
      },
      (error: unknown) => error as DnsListenError,
    );

  test('over TCP', async () => {
    const taken = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const error = await attempt(taken.port);
    expect(error).toBeInstanceOf(DnsListenError);
    expect(error!.status).toBe('ERR_PORT_IN_USE');
    expect(explain(error)).toBe(
      `127.0.0.1:${taken.port}, where DNS is to be answered, is in use by process 1 (it)`,
    );
    taken.stop(true);
  });

  test.each(['127.0.0.1', '::1'])('over UDP on %s, and nothing stays open', async (hostname) => {
    // Below those that the kernel gives away: another test's connection may take one of these at any time.
    const taken = await Bun.udpSocket({ hostname, port: 20_000 + (process.pid % 10_000) });
    expect(await attempt(taken.port)).toMatchObject({ status: 'ERR_PORT_IN_USE' });
    taken.close();
    expect(await attempt(taken.port)).toBeUndefined();
  });
});
