/** The far end on loopback, spoken to by the client's session: program ─▶ relay ─▶ far end ─▶ target. */
import { describe, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { Pinned } from '../../ffi/memory.ts';
import { startFarEnd } from '../../src/demo/far_end.ts';
import type { Endpoint } from '../../src/net/address.ts';
import { Outbox } from '../../src/net/session.ts';
import type { Target } from '../../src/net/target.ts';
import { METHODS, type MethodName } from '../../src/upstream/shadowsocks/methods.ts';
import {
  createShadowsocksProtocol,
  type ShadowsocksProtocol,
} from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { Client, loopback, relayTo, serve, serveAfterEnd, serveEcho, writeAll } from '../relay/harness.ts';
import { credentialsOf } from '../upstream/shadowsocks/ends.ts';

const PASSWORD = 'correct horse';

function protocolOf(name: MethodName, password = PASSWORD): ShadowsocksProtocol {
  return createShadowsocksProtocol({ ...credentialsOf(METHODS[name], password), aead: 'auto' });
}

/** What a client sends for `payload` to `target`, as one piece. */
function sealed(protocol: ShadowsocksProtocol, target: Target, payload: string): Uint8Array {
  const plain = new Pinned(payload.length);
  plain.bytes.set(Buffer.from(payload));
  const out = new Outbox(2 * payload.length + 2048);
  protocol.session(target).seal(plain, 0, payload.length, out);
  return out.bytes.slice(0, out.end);
}

function farEnd(method: MethodName, patience = 60_000) {
  const log: string[] = [];
  const server = startFarEnd({
    credentials: credentialsOf(METHODS[method], PASSWORD),
    hostname: '127.0.0.1',
    port: 0,
    patience,
    log: (line) => log.push(line),
  });
  return { port: server.port, log, [Symbol.dispose]: () => server.stop() };
}

/** A program's way to `target`, through a relay that speaks Shadowsocks to the far end. */
function through(far: { readonly port: number }, target: Endpoint, method: MethodName) {
  const protocol = protocolOf(method);
  return relayTo([loopback(far.port)], { session: () => protocol.session(target) });
}

describe('the far end', () => {
  test.each(Object.keys(METHODS) as MethodName[])('carries bytes both ways with %s', async (method) => {
    using target = serveEcho();
    using far = farEnd(method);
    using relay = through(far, target.endpoint, method);
    const client = new Client(relay.port, (socket) => socket.shutdown());
    (await client.socket).write('hello');
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('echo hello');
    expect(await relay.ended()).toBe('OK');
    expect(far.log).toEqual([]);
  });
});

describe.each(['aes-256-gcm', '2022-blake3-aes-256-gcm'] as const)('the far end with %s', (method) => {
  test('carries 100 MB each way at once, and ends in order', async () => {
    const size = 100 * 1024 * 1024;
    const up = randomBytes(size);
    const down = randomBytes(size);
    const heard = createHash('sha256');
    let targetDone: Promise<void> | undefined;
    const { promise: heardAll, resolve: hearEnd } = Promise.withResolvers<void>();
    using target = serve({
      open(socket) {
        targetDone = writeAll(socket as never, down).then(() => socket.shutdown());
      },
      data: (_, chunk) => void heard.update(chunk),
      // Without an `end` the runtime would close the socket at the other's FIN.
      end: () => {},
      close: () => hearEnd(),
    });
    using far = farEnd(method);
    using relay = through(far, target.endpoint, method);
    const client = new Client(relay.port);
    const socket = await client.socket;
    await writeAll(socket, up);
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    await targetDone;
    await heardAll;
    expect(await relay.ended()).toBe('OK');
    expect(sha256(client.received)).toBe(sha256([down]));
    expect(heard.digest('hex')).toBe(sha256([up]));
  }, 60_000);

  test('the answer still comes after the client has ended its direction', async () => {
    using target = serveAfterEnd();
    using far = farEnd(method);
    using relay = through(far, target.endpoint, method);
    const client = new Client(relay.port);
    const socket = await client.socket;
    socket.write('all');
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('you said all');
  });

  test('a server that speaks first is heard', async () => {
    using target = serve({ open: (socket) => void socket.end('220 welcome') });
    using far = farEnd(method);
    using relay = through(far, target.endpoint, method);
    const client = new Client(relay.port);
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('220 welcome');
  });

  test('takes a name as a target', async () => {
    using target = serve({ data: (socket, chunk) => void socket.end(chunk) });
    using far = farEnd(method);
    const name = { name: 'localhost', port: target.endpoint.port };
    const protocol = protocolOf(method);
    using relay = relayTo([loopback(far.port)], { session: () => protocol.session(name) });
    const client = new Client(relay.port);
    (await client.socket).write('by name');
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('by name');
  });

  test('a client that says much before its target is reached is heard in full', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const heard: Uint8Array[] = [];
    using target = serve({ data: (_, chunk) => void heard.push(chunk), end: () => resolve() });
    using far = farEnd(method);
    // The look-up of the name gives all of it the time to arrive.
    const name = { name: 'localhost', port: target.endpoint.port };
    const payload = randomBytes(500_000).toString('hex');
    const client = new Client(far.port);
    const socket = await client.socket;
    await writeAll(socket, sealed(protocolOf(method), name, payload));
    socket.shutdown();
    await ended;
    expect(Buffer.concat(heard).toString()).toBe(payload);
    expect(far.log).toEqual([]);
  });

  test('a target that refuses resets the client', async () => {
    using far = farEnd(method);
    const client = new Client(far.port);
    (await client.socket).write(sealed(protocolOf(method), loopback(1), 'anybody there?'));
    expect(await client.end).toBe('ECONNRESET');
    expect(far.log).toHaveLength(1);
    expect(far.log[0]).toStartWith('ERR_DIAL_REFUSED');
  });

  test('a client that comes byte by byte is understood', async () => {
    using target = serve({ data: () => {}, end: (socket) => void socket.end('ended') });
    using far = farEnd(method);
    const client = new Client(far.port);
    const socket = await client.socket;
    for (const byte of sealed(protocolOf(method), target.endpoint, 'slowly')) {
      socket.write(Uint8Array.of(byte));
      await Bun.sleep(0);
    }
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(Buffer.concat(client.received).length).toBeGreaterThan(32);
    expect(far.log).toEqual([]);
  });

  test('a wrong password gets no answer, however much is sent, until the client leaves', async () => {
    let reached = false;
    using target = serve({
      open: () => {
        reached = true;
      },
    });
    using far = farEnd(method);
    const client = new Client(far.port);
    const socket = await client.socket;
    socket.write(sealed(protocolOf(method, 'wrong'), target.endpoint, 'hello'));
    await writeAll(socket, randomBytes(4 * 1024 * 1024));
    // Had it been refused, it would have ended by now: everything was read.
    expect(await Promise.race([client.end, Bun.sleep(50).then(() => 'open')])).toBe('open');
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(client.received).toEqual([]);
    expect(reached).toBe(false);
  });

  test('who says nothing is sent away when the patience ends', async () => {
    using far = farEnd(method, 30);
    const client = new Client(far.port);
    expect(await client.end).toBe('FIN');
    expect(client.received).toEqual([]);
  });

  test('a stream cut within a record is a failure for the target, not an end', async () => {
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    using target = serve({
      end: () => resolve('FIN'),
      close: (_, error) => resolve((error as { code?: string } | undefined)?.code ?? 'FIN'),
      data: (socket) => void socket.write('go on'),
    });
    using far = farEnd(method);
    const protocol = protocolOf(method);
    const wire = sealed(protocol, target.endpoint, 'x'.repeat(100_000));
    const client = new Client(far.port, (socket) => socket.shutdown());
    (await client.socket).write(wire.subarray(0, wire.length - 1));
    expect(await ended).toBe('ECONNRESET');
    expect(far.log[0]).toStartWith('ERR_TRUNCATED');
  });
});

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
