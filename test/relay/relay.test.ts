import type { Socket } from 'bun';
import { describe, expect, test } from 'bun:test';
import { SessionError, type Outbox, type Session } from '../../src/net/session.ts';
import type { Span } from '../../ffi/memory.ts';
import { Client, loopback, relayTo, serve, serveAfterEnd, serveEcho, writeAll } from './harness.ts';

/** A session whose wire form anybody can read: `<` first, then every byte plus one; `!` from the far end is a bad record. */
function plusOne(): Session {
  let greeted = false;
  const copy = (from: Span, start: number, end: number, out: Outbox, by: number) => {
    const at = out.take(end - start);
    for (let i = start; i < end; i++) out.bytes[at + i - start] = from.bytes[i]! + by;
  };
  return {
    seal(plain, from, to, out) {
      if (!greeted) out.bytes[out.take(1)] = 0x3c;
      greeted = true;
      copy(plain, from, to, out, 1);
    },
    open(wire, from, to, out) {
      const bad = wire.bytes.subarray(from, to).indexOf(0x21);
      copy(wire, from, bad < 0 ? to : from + bad, out, -1);
      if (bad >= 0) throw new SessionError('ERR_AEAD', 'a bad record');
    },
    openEnd() {},
    dispose() {},
  };
}

const deadPort = 1;

describe('relay', () => {
  test('carries bytes both ways and ends in order', async () => {
    using target = serveEcho();
    using relay = relayTo([target.endpoint]);
    const client = new Client(relay.port);
    const socket = await client.socket;
    socket.write('hello');
    await until(() => client.text === 'echo hello');
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(await relay.ended()).toBe('OK');
  });

  test('a FIN of the client goes on while the answer is still to come', async () => {
    using target = serveAfterEnd();
    using relay = relayTo([target.endpoint]);
    const client = new Client(relay.port);
    const socket = await client.socket;
    socket.write('all');
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('you said all');
    expect(await relay.ended()).toBe('OK');
  });

  test('a FIN of the target goes on while the client still sends', async () => {
    const heard: string[] = [];
    const { promise: all, resolve } = Promise.withResolvers<void>();
    using target = serve({
      open(socket) {
        socket.write('bye');
        socket.shutdown();
      },
      data: (_, chunk) => void heard.push(chunk.toString()),
      end: (socket) => (socket.end(), resolve()),
      close: () => resolve(),
    });
    using relay = relayTo([target.endpoint]);
    const client = new Client(relay.port);
    const socket = await client.socket;
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('bye');
    socket.write('late words');
    await until(() => heard.join('') === 'late words');
    socket.end();
    await all;
    expect(await relay.ended()).toBe('OK');
  });

  test('the header leaves in one write with the first bytes of the client', async () => {
    const reads: string[] = [];
    using target = serve({ data: (_, chunk) => void reads.push(chunk.toString()) });
    using relay = relayTo([target.endpoint], { session: plusOne });
    const client = new Client(relay.port);
    (await client.socket).write('abc');
    await until(() => reads.length > 0);
    expect(reads).toEqual(['<bcd']);
  });

  test('the header leaves alone when the client waits for the server to speak', async () => {
    using target = serve({
      data: (socket, chunk) => void socket.write(chunk.toString() === '<' ? 'cboofs' : '!'),
    });
    using relay = relayTo([target.endpoint], { session: plusOne, firstData: 5 });
    const client = new Client(relay.port);
    await until(() => client.text === 'banner');
    expect(client.text).toBe('banner');
  });

  test.each([
    ['upstream', 'up'],
    ['client', 'down'],
  ])(
    'a slow %s gets every byte in order, and the relay holds only a little',
    async (_, direction) => {
      const size = 48 * 1024 * 1024;
      const body = new Uint8Array(size).map((_, i) => (i * 31) >> 5);
      const hash = new Bun.CryptoHasher('sha1');
      let taken = 0;
      let finished = false;
      const { promise: done, resolve } = Promise.withResolvers<void>();
      const slowly = (socket: { pause(): void; resume(): void }, chunk: Uint8Array) => {
        hash.update(chunk);
        taken += chunk.length;
        socket.pause();
        setTimeout(() => socket.resume(), 1);
        if (taken === size) resolve();
      };
      using target = serve({
        open: (socket) => void (direction === 'down' && writeAll(socket, body).then(() => (finished = true))),
        data: (socket, chunk) => slowly(socket, chunk),
      });
      using relay = relayTo([target.endpoint]);
      let most = 0;
      const watch = setInterval(() => {
        for (const one of relay.relays) most = Math.max(most, one.up.waiting, one.down.waiting);
      }, 1);
      const client = new Client(
        relay.port,
        (socket) => direction === 'down' && slowly(socket, client.received.pop()!),
      );
      if (direction === 'up') await writeAll(await client.socket, body).then(() => (finished = true));
      await done;
      clearInterval(watch);
      expect(finished).toBe(true);
      expect(hash.digest('hex')).toBe(new Bun.CryptoHasher('sha1').update(body).digest('hex'));
      // The kernel's buffers hold some megabytes; the relay holds what it had read when the sink was full.
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(2 * 512 * 1024);
    },
    30_000,
  );

  test('a client that sends before the upstream is connected loses nothing', async () => {
    const hash = new Bun.CryptoHasher('sha1');
    let taken = 0;
    const size = 3 * 1024 * 1024;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    using target = serve({
      data(_, chunk) {
        hash.update(chunk);
        if ((taken += chunk.length) === size) resolve();
      },
    });
    using relay = relayTo([target.endpoint]);
    const body = crypto.getRandomValues(Buffer.alloc(65536));
    const all = Buffer.concat(Array<Buffer>(size / body.length).fill(body));
    await writeAll(await new Client(relay.port).socket, all);
    await done;
    expect(hash.digest('hex')).toBe(new Bun.CryptoHasher('sha1').update(all).digest('hex'));
  });

  test('resets the client at once when nobody listens at the upstream', async () => {
    using relay = relayTo([loopback(deadPort)]);
    const client = new Client(relay.port);
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_DIAL_REFUSED');
  });

  test('tries the next address before the client hears of it', async () => {
    using target = serve({ data: (socket, chunk) => void socket.write(chunk) });
    using relay = relayTo([loopback(deadPort), target.endpoint]);
    const client = new Client(relay.port);
    (await client.socket).write('again');
    await until(() => client.text === 'again');
    expect(client.text).toBe('again');
  });

  test('a reset of the upstream resets the client', async () => {
    using target = serve({ data: (socket) => socket.terminate() });
    using relay = relayTo([target.endpoint]);
    const client = new Client(relay.port);
    (await client.socket).write('x');
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_UPSTREAM_RESET');
  });

  test('a reset of the client resets the upstream', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<string>();
    using target = serve({
      close: (_, error) => resolve((error as { code?: string } | undefined)?.code ?? 'FIN'),
    });
    using relay = relayTo([target.endpoint]);
    const socket = await new Client(relay.port).socket;
    socket.write('x');
    await until(() => [...relay.relays].some((one) => one.isOpen));
    socket.terminate();
    expect(await closed).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('CLIENT_RESET');
  });

  test('an upstream that dies before anything was sent is followed by the next, unnoticed', async () => {
    const { promise: accepted, resolve } = Promise.withResolvers<Socket>();
    using dying = serve({ open: (socket) => resolve(socket) });
    using next = serve({ open: (socket) => void socket.write('welcome') });
    using relay = relayTo([dying.endpoint], { next: next.endpoint });
    const client = new Client(relay.port);
    await client.socket;
    await until(() => [...relay.relays].some((one) => one.isOpen));
    (await accepted).terminate();
    await until(() => client.text === 'welcome');
  });

  test('an upstream that is known to be dead is left for the next, unless something was sent', async () => {
    let isDead = false;
    using mute = serve({});
    using next = serve({ open: (socket) => void socket.write('welcome') });
    using relay = relayTo([mute.endpoint], { next: next.endpoint, isLost: () => isDead });
    const [silent, speaking] = [new Client(relay.port), new Client(relay.port)];
    (await speaking.socket).write('x');
    await until(() => relay.relays.size === 2 && [...relay.relays].every((one) => one.isOpen));
    await until(() => [...relay.relays].some((one) => one.bytesUp > 0));
    isDead = true;
    await until(() => silent.text === 'welcome');
    expect(speaking.text).toBe('');
    expect(relay.relays.size).toBe(2);
  });

  test('one that dies after something was sent is told', async () => {
    using dying = serve({ data: (socket) => socket.terminate() });
    using next = serve({ open: (socket) => void socket.write('welcome') });
    using relay = relayTo([dying.endpoint], { next: next.endpoint });
    const client = new Client(relay.port);
    (await client.socket).write('x');
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_UPSTREAM_RESET');
    expect(client.text).toBe('');
  });

  test('an upstream that closes without a word is a failure, not an empty answer', async () => {
    using target = serve({ data: (socket) => void socket.end() });
    using relay = relayTo([target.endpoint], { session: () => ({ ...plusOne(), isOnTrust: true }) });
    const client = new Client(relay.port);
    (await client.socket).write('x');
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_UPSTREAM_NO_ANSWER');
  });

  test.each([
    ['no byte back', 'x', 'ERR_UPSTREAM_NO_ANSWER'],
    ['some of it unsent', 'x'.repeat(2 ** 24), 'ERR_UPSTREAM_RESET'],
  ] as const)('one that takes a request and resets the connection, with %s', async (_, request, status) => {
    using target = serve({
      data(socket) {
        socket.pause();
        setTimeout(() => socket.terminate(), 100);
      },
    });
    using relay = relayTo([target.endpoint], { session: () => ({ ...plusOne(), isOnTrust: true }) });
    const client = new Client(relay.port);
    void writeAll(await client.socket, Buffer.from(request)).catch(() => {});
    expect(await relay.ended()).toBe(status);
  });

  test('what came before a bad record reaches the client, then the reset', async () => {
    using target = serve({ data: (socket) => void socket.write('hppe!fwjm') });
    using relay = relayTo([target.endpoint], { session: () => ({ ...plusOne(), isOnTrust: true }) });
    const client = new Client(relay.port);
    (await client.socket).write('x');
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_AEAD');
  });

  test('one that throws ends itself and no other', async () => {
    using target = serve({ data: (socket, chunk) => void socket.write(chunk) });
    let made = 0;
    const session = (): Session =>
      made++ > 0
        ? plusOne()
        : {
            ...plusOne(),
            seal() {
              throw new TypeError('a bug');
            },
          };
    using relay = relayTo([target.endpoint], { session });
    const bad = new Client(relay.port);
    (await bad.socket).write('x');
    expect(await bad.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_INTERNAL');
    const good = new Client(relay.port);
    (await good.socket).write('fine');
    await until(() => good.text === ';fine');
    expect(good.text).toBe(';fine');
  });
});

describe('relay timeouts', () => {
  test('nothing in either direction for the idle time ends it', async () => {
    using target = serve({});
    using relay = relayTo([target.endpoint], { timeouts: { idle: 300 } });
    const client = new Client(relay.port);
    await client.socket;
    expect(await client.end).toBe('ECONNRESET');
    expect(await relay.ended()).toBe('ERR_IDLE');
  });

  test('bytes in one direction keep both alive', async () => {
    let timer: Timer | undefined;
    using target = serve({
      open(socket) {
        timer = setInterval(() => socket.write('.'), 100);
      },
      close: () => clearInterval(timer),
    });
    using relay = relayTo([target.endpoint], { timeouts: { idle: 600 } });
    const client = new Client(relay.port);
    await until(() => client.text.length >= 15);
    expect([...relay.relays].map((one) => one.status)).toEqual([undefined]);
    clearInterval(timer);
    expect(await relay.ended()).toBe('ERR_IDLE');
  });

  test('a half-closed one has a time of its own', async () => {
    using target = serve({ end: () => {} });
    using relay = relayTo([target.endpoint], { timeouts: { halfClosed: 300 } });
    const client = new Client(relay.port);
    (await client.socket).shutdown();
    expect(await relay.ended()).toBe('ERR_HALF_CLOSED');
  });
});

/** Waits for a condition that other callbacks make true; the test's own timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(2);
}
