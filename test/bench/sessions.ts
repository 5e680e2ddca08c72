/**
 * What a Shadowsocks connection costs, and what its bytes cost, at both ends, without sockets: `bun test/bench/sessions.ts`
 * prints a table. The editions of one cipher stand side by side; the last column is each one's share of the older.
 */
import { Pinned } from '../../ffi/memory.ts';
import { Outbox } from '../../src/net/session.ts';
import type { Target } from '../../src/net/target.ts';
import { METHODS, type MethodName } from '../../src/upstream/shadowsocks/methods.ts';
import {
  createShadowsocksProtocol,
  type ShadowsocksProtocol,
} from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { credentialsOf } from '../upstream/shadowsocks/ends.ts';
import { microseconds } from './aead.ts';

const NAMES: readonly MethodName[] = [
  'aes-128-gcm',
  '2022-blake3-aes-128-gcm',
  'aes-256-gcm',
  '2022-blake3-aes-256-gcm',
  'chacha20-ietf-poly1305',
  '2022-blake3-chacha20-poly1305',
];
const TARGET: Target = { name: 'origin.example', port: 443 };
/** Bytes that a socket gives at once: as much as there is, and as an interactive program says. */
const SIZES = [256 * 1024, 64 * 1024, 16 * 1024, 1024];
const ROUNDS = 3;

const plain = new Pinned(SIZES[0]!);
const [wire, back] = [new Outbox(), new Outbox()];

/** Seals at one end and opens at the other; both answers are thrown away. */
function carry(from: Carrier, to: Carrier, size: number): void {
  wire.end = 0;
  back.end = 0;
  from.seal(plain, 0, size, wire);
  to.open(wire, 0, wire.end, back);
  if (back.end !== size) throw new Error(`${back.end} of ${size} bytes have come`);
}

type Carrier = ReturnType<ShadowsocksProtocol['session']>;

/** A connection with a request and an answer of 500 bytes each. */
function connect(protocol: ShadowsocksProtocol): void {
  const [client, server] = [protocol.session(TARGET), protocol.serverSession()];
  carry(client, server, 500);
  carry(server, client, 500);
  client.dispose();
  server.dispose();
}

interface Row {
  readonly name: MethodName;
  /** 10^6 bytes a second, sealed and opened, for each size. */
  readonly megabytes: number[];
  /** Microseconds for a connection, both ends. */
  readonly connection: number;
}

function measure(name: MethodName): Row {
  const protocol = createShadowsocksProtocol({ ...credentialsOf(METHODS[name]), aead: 'auto' });
  const [client, server] = [protocol.session(TARGET), protocol.serverSession()];
  carry(client, server, 1);
  const megabytes = SIZES.map((size) => size / microseconds(() => carry(client, server, size)));
  return { name, megabytes, connection: microseconds(() => connect(protocol)) };
}

/** The best of several rounds, in each of which everything has its turn: the machine is not ours alone. */
const best = new Map<MethodName, Row>();
for (let round = 0; round < ROUNDS; round++) {
  for (const name of NAMES) {
    const row = measure(name);
    const before = best.get(name) ?? row;
    best.set(name, {
      name,
      megabytes: row.megabytes.map((value, i) => Math.max(value, before.megabytes[i]!)),
      connection: Math.min(row.connection, before.connection),
    });
  }
}
const rows = [...best.values()].map(({ name, megabytes, connection }, i, all) => ({
  method: name,
  ...Object.fromEntries(SIZES.map((size, at) => [`MB/s at ${size / 1024} KiB`, megabytes[at]!.toFixed(0)])),
  'µs a connection': connection.toFixed(1),
  'of the older at 64 KiB': i % 2 ? (megabytes[1]! / all[i - 1]!.megabytes[1]!).toFixed(2) : '',
}));
process.stdout.write(`${Bun.inspect.table(rows)}\n`);
