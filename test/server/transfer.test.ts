/** Bytes through the far end on loopback: program ─▶ relay ─▶ far end ─▶ target, with every protocol. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { METHODS, type MethodName } from '../../src/upstream/shadowsocks/methods.ts';
import { createCertificates, type Certificates } from '../dns/exchange/certificates.ts';
import { describeNeeding } from '../needs.ts';
import { Client, loopback, serve, serveAfterEnd, serveEcho, writeAll } from '../relay/harness.ts';
import { farEnd, sealed, shadowsocks, through, tlsTunnel, type Speech } from './stage.ts';

describe('the far end', () => {
  test.each(Object.keys(METHODS) as MethodName[])('carries bytes both ways with %s', async (method) => {
    const speech = shadowsocks(method);
    using target = serveEcho();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port, (socket) => socket.shutdown());
    (await client.socket).write('hello');
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('echo hello');
    expect(await relay.ended()).toBe('OK');
    await far.endedWith('OK');
    const { users, open } = far.server.status();
    expect(Object.values(users)).toMatchObject([{ accepted: 1, open: 0, bytesUp: 5, bytesDown: 10 }]);
    expect(open).toEqual({ joined: 0, strangers: 0 });
    expect(far.warnings).toEqual([]);
  });
});

describe.each(['aes-256-gcm', '2022-blake3-aes-256-gcm'] as const)('the far end with %s', (method) => {
  carries(() => shadowsocks(method));

  test('a client that comes byte by byte is understood', async () => {
    const speech = shadowsocks(method);
    using target = serve({ data: () => {}, end: (socket) => void socket.end('ended') });
    using far = farEnd(speech);
    const client = new Client(far.port);
    const socket = await client.socket;
    for (const byte of sealed(speech, target.endpoint, 'slowly')) {
      socket.write(Uint8Array.of(byte));
      await Bun.sleep(0);
    }
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(Buffer.concat(client.received).length).toBeGreaterThan(32);
    await far.endedWith('OK');
  });

  test('a client that says much before its target is reached is heard in full', async () => {
    const speech = shadowsocks(method);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const heard: Uint8Array[] = [];
    using target = serve({ data: (_, chunk) => void heard.push(chunk), end: () => resolve() });
    using far = farEnd(speech);
    // The look-up of the name gives all of it the time to arrive.
    const name = { name: 'localhost', port: target.endpoint.port };
    const payload = randomBytes(500_000).toString('hex');
    const client = new Client(far.port);
    const socket = await client.socket;
    await writeAll(socket, sealed(speech, name, payload));
    socket.shutdown();
    await ended;
    expect(Buffer.concat(heard).toString()).toBe(payload);
    expect(far.warnings).toEqual([]);
  });

  test('a stream cut within a record is a failure for the target, not an end', async () => {
    const speech = shadowsocks(method);
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    using target = serve({
      end: () => resolve('FIN'),
      close: (_, error) => resolve((error as { code?: string } | undefined)?.code ?? 'FIN'),
      data: (socket) => void socket.write('go on'),
    });
    using far = farEnd(speech);
    const wire = sealed(speech, target.endpoint, 'x'.repeat(100_000));
    const client = new Client(far.port, (socket) => socket.shutdown());
    (await client.socket).write(wire.subarray(0, wire.length - 1));
    expect(await ended).toBe('ECONNRESET');
    await far.endedWith('ERR_TRUNCATED');
  });
});

describeNeeding(['openssl'], 'the far end with the TLS tunnel', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  carries(() => tlsTunnel(certificates));
});

/** What holds with every protocol. */
function carries(speak: () => Speech): void {
  test('carries 100 MB each way at once, and ends in order', async () => {
    const speech = speak();
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
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port);
    const socket = await client.socket;
    await writeAll(socket, up);
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    await targetDone;
    await heardAll;
    expect(await relay.ended()).toBe('OK');
    await far.endedWith('OK');
    expect(sha256(client.received)).toBe(sha256([down]));
    expect(heard.digest('hex')).toBe(sha256([up]));
    expect(far.server.status().all).toMatchObject({ bytesUp: size, bytesDown: size });
  }, 60_000);

  test('the answer still comes after the client has ended its direction', async () => {
    const speech = speak();
    using target = serveAfterEnd();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port);
    const socket = await client.socket;
    socket.write('all');
    socket.shutdown();
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('you said all');
    await far.endedWith('OK');
  });

  test('a server that speaks first is heard', async () => {
    const speech = speak();
    using target = serve({ open: (socket) => void socket.end('220 welcome') });
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port);
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('220 welcome');
  });

  test('takes a name as a target', async () => {
    const speech = speak();
    using target = serve({ data: (socket, chunk) => void socket.end(chunk) });
    using far = farEnd(speech);
    using relay = through(far, { name: 'localhost', port: target.endpoint.port }, speech);
    const client = new Client(relay.port);
    (await client.socket).write('by name');
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('by name');
  });

  test('a target that refuses resets the client', async () => {
    const speech = speak();
    using far = farEnd(speech);
    using relay = through(far, loopback(1), speech);
    const client = new Client(relay.port);
    (await client.socket).write('anybody there?');
    expect(await client.end).toBe('ECONNRESET');
    await far.endedWith('ERR_DIAL_REFUSED');
  });

  test('a target that resets, resets the client', async () => {
    const speech = speak();
    using target = serve({ data: (socket) => socket.terminate() });
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port);
    (await client.socket).write('go away');
    expect(await client.end).toBe('ECONNRESET');
    await far.endedWith('ERR_UPSTREAM_RESET');
  });
}

function sha256(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
