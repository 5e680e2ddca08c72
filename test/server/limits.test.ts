/** How many may come, how long they may stay, and how it ends. */
import type { Socket } from 'bun';
import { describe, expect, test } from 'bun:test';
import { createCertificates } from '../dns/exchange/certificates.ts';
import { eventually } from '../lab/eventually.ts';
import { describeNeeding } from '../needs.ts';
import { Client, serve, serveEcho, writeAll, type relayTo } from '../relay/harness.ts';
import { METHODS } from '../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { credentialsOf, keyOf } from '../upstream/shadowsocks/ends.ts';
import {
  farEnd,
  passwordText,
  sealed,
  shadowsocks,
  through,
  tlsTunnel,
  underWay,
  visit,
  type Speech,
} from './stage.ts';

const speech = shadowsocks('aes-256-gcm');

/**
 * Carries bytes to and from a port, and no end of either side's: whoever is there keeps the connection. Once it is deaf,
 * it carries nothing of the client's.
 */
function keepOpen(port: number) {
  const ends = { end: () => {}, close: () => {} };
  const far = Promise.withResolvers<Socket>();
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    allowHalfOpen: true,
    socket: {
      ...ends,
      open(client) {
        const socket = { ...ends, data: (_: Socket, chunk: Uint8Array) => void client.write(chunk) };
        far.resolve(Bun.connect({ hostname: '127.0.0.1', port, allowHalfOpen: true, socket }));
      },
      data(_, chunk) {
        if (!keeper.isDeaf) void far.promise.then((socket) => socket.write(chunk));
      },
    },
  });
  const keeper = {
    port: listener.port,
    isDeaf: false,
    /** Nobody is there any more: what is sent is not taken. */
    async isAlone() {
      const socket = await far.promise;
      return socket.readyState < 1 || socket.write('.') < 0;
    },
    [Symbol.dispose]: () => listener.stop(true),
  };
  return keeper;
}

describe('strangers', () => {
  test('beyond the limit: the oldest is sent away, with a FIN', async () => {
    using far = farEnd(speech, { server: { 'max-strangers': 3 } });
    const strangers = () => far.server.status().open.strangers;
    const visitors: Client[] = [];
    for (let i = 1; i <= 5; i++) {
      visitors.push(visit(far, speech));
      await eventually(`${i} to have come`, () => strangers() + (far.ended()['ERR_EVICTED'] ?? 0) === i);
    }
    expect(strangers()).toBe(3);
    expect(await Promise.all(visitors.slice(0, 2).map((one) => one.end))).toEqual(['FIN', 'FIN']);
    expect(await Promise.race([...visitors.slice(2).map((one) => one.end), Bun.sleep(30)])).toBeUndefined();
  });

  test('of any number keep nobody out who knows the key', async () => {
    using target = serveEcho();
    using far = farEnd(speech, { limit: 20, server: { 'max-strangers': 10 } });
    const crowd = Array.from({ length: 60 }, () => visit(far, speech));
    await Promise.all(crowd.map((one) => one.socket));
    using relay = through(far, target.endpoint, speech);
    const client = new Client(relay.port, (socket) => socket.shutdown());
    (await client.socket).write('hello');
    expect(await client.end).toBe('FIN');
    expect(client.text).toBe('echo hello');
  });

  test('who have gone again before they were accepted are nobody', async () => {
    using far = farEnd(speech);
    const script = `const s = await Bun.connect({ hostname: '127.0.0.1', port: ${far.port}, socket: { data() {} } }); s.terminate();`;
    // Nothing is accepted before that returns.
    const { exitCode } = Bun.spawnSync([process.execPath, '-e', script]);
    expect(exitCode).toBe(0);
    await far.endedWith('CLIENT_RESET');
    expect(far.server.status().open).toEqual({ joined: 0, strangers: 0 });
    expect(far.warnings).toEqual([]);
  });

  test('who say a byte now and then get no longer', async () => {
    using far = farEnd(speech, { timeouts: { handshake: 100 } });
    const client = visit(far, speech);
    const socket = await client.socket;
    const timer = setInterval(() => void socket.write('.'), 10);
    expect(await client.end).toMatch(/^(FIN|ECONNRESET)$/);
    clearInterval(timer);
    await far.endedWith('ERR_HANDSHAKE_TIMEOUT');
  });
});

describeNeeding(['openssl'], 'strangers within TLS', () => {
  test('are strangers from when they are accepted, whatever TLS comes to', async () => {
    await using certificates = await createCertificates();
    const tunnel = tlsTunnel(certificates);
    using far = farEnd(tunnel, { timeouts: { handshake: 150 } });
    // Says nothing at all, and half of a ClientHello.
    const [silent, slow] = [visit(far, {}), visit(far, {})];
    (await slow.socket).write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1));
    await eventually('both', () => far.server.status().open.strangers === 2);
    expect(await Promise.all([silent.end, slow.end])).toEqual(['FIN', 'FIN']);
    expect(far.ended()).toEqual({ ERR_HANDSHAKE_TIMEOUT: 2 });
  });

  test('are got rid of for good, whether they end their own direction or not', async () => {
    await using certificates = await createCertificates();
    const tunnel = tlsTunnel(certificates);
    using far = farEnd(tunnel, { timeouts: { handshake: 100 } });
    const client = visit(far, tunnel);
    const socket = await client.socket;
    expect(await client.end).toBe('FIN');
    // What they say is not taken any more: a socket that is there would take it, and be theirs to keep.
    await eventually('a reset', () => socket.readyState < 1 || socket.write('.') < 0);
  });
});

describeNeeding(['openssl'], 'clients within TLS', () => {
  const speaks = { data: () => {}, open: (socket: Socket) => void socket.write('220') };
  test.each([
    ['ends, too', { ...speaks, end: (socket: Socket) => void socket.end() }, 'OK'],
    ['does not', { ...speaks, end: () => {} }, 'ERR_HALF_CLOSED'],
  ] as const)(
    'that have ended, but keep their connection, are got rid of: the target %s',
    async (_, origin, end) => {
      await using certificates = await createCertificates();
      const tunnel = tlsTunnel(certificates);
      using target = serve(origin);
      using far = farEnd(tunnel, { timeouts: { halfClosed: 300 } });
      using keeper = keepOpen(far.port);
      const client = visit(keeper, tunnel);
      const socket = await client.socket;
      await writeAll(socket, sealed(tunnel, target.endpoint, 'hello'));
      await eventually('an answer', () => client.text === '220');
      socket.shutdown();
      await far.endedWith(end);
      await far.server.drain();
      await eventually('a reset', () => keeper.isAlone());
    },
  );

  test.each([
    ['ends', false, 'OK'],
    ['does not', true, 'ERR_HALF_CLOSED'],
  ] as const)('whose target has ended are got rid of: the client %s', async (_, isDeaf, end) => {
    await using certificates = await createCertificates();
    const tunnel = tlsTunnel(certificates);
    const toEnd = Promise.withResolvers<void>();
    using target = serve({
      data: (socket) => void toEnd.promise.then(() => socket.end('bye')),
      end: () => {},
    });
    using far = farEnd(tunnel, { timeouts: { halfClosed: 300 } });
    using keeper = keepOpen(far.port);
    const client = visit(keeper, tunnel);
    await writeAll(await client.socket, sealed(tunnel, target.endpoint, 'hello'));
    await eventually('it to be there', () => far.server.status().open.joined === 1);
    keeper.isDeaf = isDeaf;
    toEnd.resolve();
    expect(await client.end).toBe('FIN');
    (await client.socket).shutdown();
    await far.endedWith(end);
    await far.server.drain();
    await eventually('a reset', () => keeper.isAlone());
  });
});

describe('clients', () => {
  /** One that stays. */
  async function settle(relay: ReturnType<typeof relayTo>): Promise<Client> {
    const client = new Client(relay.port);
    (await client.socket).write('hello');
    return client;
  }

  test('beyond the limit are refused with a reset; there is room again when one goes', async () => {
    using target = serveEcho();
    using far = farEnd(speech, { limit: 2 });
    using relay = through(far, target.endpoint, speech);
    const joined = () => far.server.status().open.joined;
    const first = await settle(relay);
    await settle(relay);
    await eventually('two', () => joined() === 2);
    expect(await (await settle(relay)).end).toBe('ECONNRESET');
    await far.endedWith('ERR_LIMIT');
    expect(far.warnings.join()).toInclude('as many as allowed are open status=ERR_LIMIT client=127.0.0.1');
    (await first.socket).terminate();
    await eventually('one', () => joined() === 1);
    const next = await settle(relay);
    await eventually('an answer', () => next.text === 'echo hello');
  });

  test('of one address have a limit of their own', async () => {
    using target = serveEcho();
    using far = farEnd(speech, { server: { 'max-per-client': 1 } });
    using relay = through(far, target.endpoint, speech);
    await settle(relay);
    await eventually('one', () => far.server.status().open.joined === 1);
    expect(await (await settle(relay)).end).toBe('ECONNRESET');
    await far.endedWith('ERR_LIMIT');
  });

  test('who move no byte, or none after one end, are ended', async () => {
    using target = serve({ open: (socket) => void socket.write('220'), end: () => {} });
    using far = farEnd(speech, { timeouts: { idle: 1_500, halfClosed: 300 } });
    using relay = through(far, target.endpoint, speech);
    const idle = await settle(relay);
    const half = await settle(relay);
    (await half.socket).shutdown();
    await far.endedWith('ERR_HALF_CLOSED');
    expect(far.ended()).toEqual({ ERR_HALF_CLOSED: 1 });
    await far.endedWith('ERR_IDLE');
    expect(await idle.end).toBe('ECONNRESET');
  });
});

describe('to drain', () => {
  test('takes nobody in, sends strangers away, and waits for those under way', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = await underWay(relay, 'one');
    const socket = await client.socket;
    const stranger = visit(far, speech);
    await eventually('the stranger', () => far.server.status().open.strangers === 1);

    const drained = far.server.drain();
    const isDrained = () => Promise.race([drained.then(() => true), Bun.sleep(20).then(() => false)]);
    expect(await stranger.end).toBe('FIN');
    const late = visit(far, speech).socket.catch((error: { readonly code: string }) => error.code);
    expect(await late).toBe('ECONNREFUSED');
    socket.write('two');
    await eventually('another answer', () => client.text === 'echo oneecho two');
    expect(await isDrained()).toBe(false);
    socket.shutdown();
    expect(await isDrained()).toBe(true);
    expect(far.ended()).toEqual({ OK: 1, STOPPED: 1 });
  });

  test('of nobody is done at once', async () => {
    using far = farEnd(speech);
    await far.server.drain();
  });

  test('to stop instead resets whoever is there', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = await underWay(relay, 'hello');
    far.server.stop();
    expect(await client.end).toBe('ECONNRESET');
    await far.endedWith('STOPPED');
  });
});

describe('users', () => {
  const NAMES = ['alice', 'bob'];

  test.each([
    ['aes-256-gcm', ['wrong']],
    ['2022-blake3-chacha20-poly1305', ['wrong']],
    ['2022-blake3-aes-256-gcm', ['server', 'wrong']],
    ['2022-blake3-aes-128-gcm', ['server', 'wrong']],
  ] as const)('with %s are told apart, and counted', async (name, wrongKeys) => {
    const method = METHODS[name];
    const hasOwn = wrongKeys.length > 1;
    const listener = {
      type: 'shadowsocks',
      listen: '127.0.0.1:1',
      method: name,
      ...(hasOwn && { password: passwordText(method, 'server') }),
      users: NAMES.map((user) => ({ name: user, password: passwordText(method, user) })),
    };
    const speechOf = (names: readonly string[]): Speech => {
      const protocol = createShadowsocksProtocol(
        method.edition === 2017
          ? { ...credentialsOf(method, names[0]), aead: 'auto' }
          : { method, keys: names.map((one) => keyOf(one, method.cipher.keySize)), aead: 'auto' },
      );
      return { name, listener, session: (target) => protocol.session(target) };
    };
    using target = serveEcho();
    using far = farEnd({ listener });
    for (const [i, user] of NAMES.entries()) {
      using relay = through(far, target.endpoint, speechOf(hasOwn ? ['server', user] : [user]));
      const client = new Client(relay.port, (socket) => socket.shutdown());
      (await client.socket).write('x'.repeat(100 * (i + 1)));
      expect(await client.end).toBe('FIN');
    }
    await far.endedWith('OK', 2);
    const stranger = visit(far, {});
    (await stranger.socket).write(new Uint8Array(200));
    (await stranger.socket).shutdown();
    await stranger.end;
    await far.endedWith('ERR_AEAD');
    expect(far.server.status()).toMatchObject({
      all: { accepted: 3, open: 0, bytesUp: 300, bytesDown: 310, ended: { OK: 2, ERR_AEAD: 1 } },
      users: {
        alice: { accepted: 1, bytesUp: 100, bytesDown: 105, ended: { OK: 1 } },
        bob: { accepted: 1, bytesUp: 200, bytesDown: 205, ended: { OK: 1 } },
      },
    });
  });

  test('are in the counters before they come', () => {
    const { listener } = shadowsocks('aes-256-gcm');
    const { password, ...rest } = listener;
    using far = farEnd({ listener: { ...rest, users: [{ name: 'carol', password }] } });
    expect(Object.keys(far.server.status().users)).toEqual(['carol']);
  });
});
