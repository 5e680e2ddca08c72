/**
 * What somebody finds out who has no key: nothing. Whatever is sent, all of it is read, no byte comes back, and the end
 * comes with the prober's own, or by the clock.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { METHODS } from '../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { createCertificates, type Certificates } from '../dns/exchange/certificates.ts';
import { eventually } from '../lab/eventually.ts';
import { describeNeeding } from '../needs.ts';
import { serve, writeAll, type Client } from '../relay/harness.ts';
import { keyOf } from '../upstream/shadowsocks/ends.ts';
import {
  farEnd,
  PASSWORD,
  passwordText,
  sealed,
  shadowsocks,
  tlsTunnel,
  visit,
  type Speech,
  type Stage,
} from './stage.ts';

const LENGTHS = Array.from({ length: 301 }, (_, i) => i);
/** A port that is never reached. */
const TARGET = { name: 'origin.example', port: 443 };

interface Probe {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** One after the other, each in a packet of its own. */
  readonly bytewise?: true;
}

/** What a prober sees: what came back, and how it ended. */
interface Seen {
  readonly received: number;
  readonly end: string;
}

const NOTHING_SEEN: Seen = { received: 0, end: 'FIN' };

describe.each([
  ['aes-256-gcm', () => shadowsocks('aes-256-gcm')],
  ['chacha20-ietf-poly1305 with several users', () => severalUsers()],
  ['2022-blake3-aes-256-gcm', () => shadowsocks('2022-blake3-aes-256-gcm')],
  ['2022-blake3-aes-128-gcm with identities', () => identities()],
] as const)('with %s', (_, speak) => {
  tellsNothing(speak);
});

describeNeeding(['openssl'], 'with the TLS tunnel', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());
  tellsNothing(() => tlsTunnel(certificates));
});

function tellsNothing(speak: () => Speech): void {
  const random: readonly Probe[] = LENGTHS.map((length) => ({
    name: `${length} random bytes`,
    bytes: randomBytes(length),
  }));

  test('random bytes of every length: the end is the prober’s', async () => {
    const speech = speak();
    using far = farEnd(speech);
    expect(await seenByLeaving(far, speech, random)).toEqual(random.map(() => NOTHING_SEEN));
  });

  test('random bytes of every length: the end by the clock is of one kind', async () => {
    const speech = speak();
    using far = farEnd(speech, { timeouts: { handshake: 1_500 } });
    expect(await seenByWaiting(far, speech, random)).toEqual(random.map(() => NOTHING_SEEN));
  });

  test('a first packet with another password, cut anywhere, and with much behind it', async () => {
    const speech = speak();
    using far = farEnd(speech);
    const wire = sealed(speech, TARGET, 'x'.repeat(300), 'wrong');
    const probes = LENGTHS.map((length) => ({ name: `${length}`, bytes: wire.subarray(0, length) }));
    const long = { name: 'long', bytes: Buffer.concat([wire, randomBytes(500_000)]) };
    expect(await seenByLeaving(far, speech, [...probes, long])).toEqual(
      [...probes, long].map(() => NOTHING_SEEN),
    );
  });

  test('byte by byte', async () => {
    const speech = speak();
    using far = farEnd(speech);
    const wire = sealed(speech, TARGET, '', 'wrong');
    const probes: Probe[] = [
      { name: 'random', bytes: randomBytes(120), bytewise: true },
      { name: 'another password', bytes: wire.subarray(0, 200), bytewise: true },
    ];
    expect(await seenByLeaving(far, speech, probes)).toEqual(probes.map(() => NOTHING_SEEN));
  });
}

describe.each([
  ['aes-256-gcm', () => shadowsocks('aes-256-gcm')],
  ['chacha20-ietf-poly1305 with several users', () => severalUsers()],
  ['2022-blake3-aes-256-gcm', () => shadowsocks('2022-blake3-aes-256-gcm')],
  ['2022-blake3-aes-128-gcm with identities', () => identities()],
] as const)('a recording of %s', (_, speak) => {
  test('is of no use: as it was, cut anywhere, changed anywhere, or with more behind it', async () => {
    const speech = speak();
    let reached = 0;
    using target = serve({ open: () => void reached++ });
    using far = farEnd(speech);
    const wire = sealed(speech, target.endpoint, 'GET /');
    const first = visit(far, speech);
    await writeAll(await first.socket, wire);
    await eventually('the target to be reached', () => reached === 1);
    // Those that end before the first head is complete are no replay yet, and must look no other.
    const probes: Probe[] = [
      { name: 'as it was', bytes: wire },
      { name: 'byte by byte', bytes: wire, bytewise: true },
      { name: 'with more', bytes: Buffer.concat([wire, randomBytes(1000)]) },
      ...[...wire.keys()].map((cut) => ({ name: `the first ${cut}`, bytes: wire.subarray(0, cut) })),
      ...[...wire.keys()].map((at) => ({
        name: `changed at ${at}`,
        bytes: wire.map((byte, i) => (i === at ? byte ^ 0x40 : byte)),
      })),
    ];
    expect(await seenByLeaving(far, speech, probes)).toEqual(probes.map(() => NOTHING_SEEN));
    expect(reached).toBe(1);
  });

  test('nor is what a client has said, when it was changed anywhere on its way', async () => {
    const speech = speak();
    let reached = 0;
    using target = serve({ open: () => void reached++ });
    using far = farEnd(speech);
    // Each has a salt of its own. The first 150 bytes are, of all methods, in front of the end of the first record.
    const probes = Array.from({ length: 150 }, (_, at) => {
      const wire = sealed(speech, target.endpoint, 'x'.repeat(200));
      return { name: `changed at ${at}`, bytes: wire.map((byte, i) => (i === at ? byte ^ 0x40 : byte)) };
    });
    expect(await seenByLeaving(far, speech, probes)).toEqual(probes.map(() => NOTHING_SEEN));
    expect(reached).toBe(0);
  });

  test('bytes changed later on: the connection stays, the target hears no more, the answer goes on', async () => {
    const speech = speak();
    const heard: Uint8Array[] = [];
    const { promise: end, resolve } = Promise.withResolvers<string>();
    let say: (text: string) => void = () => {};
    using target = serve({
      open(socket) {
        say = (text) => void socket.write(text);
      },
      data: (_, chunk) => void heard.push(chunk),
      end: () => resolve('FIN'),
      close: (_, error) => resolve((error as { code?: string } | undefined)?.code ?? 'FIN'),
    });
    using far = farEnd(speech);
    const wire = sealed(speech, target.endpoint, 'x'.repeat(200_000));
    const client = visit(far, speech);
    const socket = await client.socket;
    await writeAll(
      socket,
      wire.map((byte, i) => (i === 150_000 ? byte ^ 1 : byte)),
    );
    await writeAll(socket, randomBytes(1_000_000));
    await eventually('what came before it', () => Buffer.concat(heard).length > 50_000);
    say('still here');
    await eventually('the answer', () => client.received.length > 0);
    expect(Buffer.concat(heard).length).toBeLessThan(150_000);
    expect(far.server.status().open.joined).toBe(1);
    socket.shutdown();
    expect(await end).toBe('ECONNRESET');
    await far.endedWith('ERR_AEAD');
  });
});

/** More at once would not fit into the listener's backlog, and the kernel resets some of those that it lets wait elsewhere. */
const CROWD = 250;

/** Each sends its probe, stays for a while, and ends. */
async function seenByLeaving(far: Stage, speech: Speech, probes: readonly Probe[]): Promise<Seen[]> {
  const all: Seen[] = [];
  const strangers = () => far.server.status().open.strangers;
  for (let from = 0; from < probes.length; from += CROWD) {
    const crowd = probes.slice(from, from + CROWD);
    const clients = await sendAll(far, speech, crowd);
    await eventually('all to have come', () => strangers() >= crowd.length);
    await Bun.sleep(100);
    // Nobody was sent away, and nobody taken for a client.
    expect(strangers()).toBe(crowd.length);
    for (const client of clients) (await client.socket).shutdown();
    all.push(...(await seen(clients)));
    await eventually('all to have gone', () => strangers() === 0);
  }
  return all;
}

/** The same, until the far end ends. */
async function seenByWaiting(far: Stage, speech: Speech, probes: readonly Probe[]): Promise<Seen[]> {
  return seen(await sendAll(far, speech, probes));
}

async function sendAll(far: Stage, speech: Speech, probes: readonly Probe[]): Promise<Client[]> {
  const clients = probes.map(() => visit(far, speech));
  await Promise.all(
    probes.map(async ({ bytes, bytewise }, i) => {
      const socket = await clients[i]!.socket;
      if (!bytewise) return writeAll(socket, bytes);
      for (const byte of bytes) {
        await writeAll(socket, Uint8Array.of(byte));
        await Bun.sleep(0);
      }
    }),
  );
  return clients;
}

function seen(clients: readonly Client[]): Promise<Seen[]> {
  return Promise.all(
    clients.map(async (client) => {
      const end = await client.end;
      return { received: Buffer.concat(client.received).length, end };
    }),
  );
}

function severalUsers(): Speech {
  const method = METHODS['chacha20-ietf-poly1305'];
  const { password, ...listener } = shadowsocks(method.name).listener;
  const users = ['alice', 'bob'].map((name) => ({ name, password: name }));
  return {
    ...shadowsocks(method.name),
    listener: { ...listener, users: [...users, { name: 'carol', password }] },
  };
}

function identities(): Speech {
  const method = METHODS['2022-blake3-aes-128-gcm'];
  const { keySize } = method.cipher;
  const users = ['alice', 'bob'].map((name) => ({ name, password: passwordText(method, name) }));
  return {
    ...shadowsocks(method.name),
    listener: { ...shadowsocks(method.name).listener, users },
    session(target, password = PASSWORD) {
      const keys = [keyOf(password, keySize), keyOf('bob', keySize)];
      return createShadowsocksProtocol({ method, keys, aead: 'auto' }).session(target);
    },
  };
}
