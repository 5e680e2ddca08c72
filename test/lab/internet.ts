/**
 * A small Internet for tests, in three network namespaces.
 *
 *        client                           world                           far
 *   ┌──────────────┐      ┌─────────────────────────────────┐      ┌───────────────┐
 *   │ snet, curl,  │      │ origins (origin.ts)             │      │ ss-server     │
 *   │ nc …         │      │  in China 223.5.5.5             │      │               │
 *   │              │      │           2400:3200::1          │      │               │
 *   │       uplink ├──────┤  abroad   193.0.6.139           ├──────┤ uplink        │
 *   │ 192.168.7.2  │client│           2001:67c:2e8:22::1    │ far  │ 151.101.1.6   │
 *   │ fd00:7::2    │      │ router, resolver: 192.168.7.1   │      │ 2a04:4e42::6  │
 *   └──────────────┘      └─────────────────────────────────┘      └───────────────┘
 *
 * The far end has public addresses outside of China, as real servers do: a connection to it that snet didn't exempt
 * would be redirected, and loop.
 */
import { Netns, join } from './netns.ts';
import { start, type Program } from './program.ts';
import { PORTS, type Seen } from './services.ts';
import { eventually } from './eventually.ts';

export interface Pair {
  readonly v4: string;
  readonly v6: string;
}

export const CHINA: Pair = { v4: '223.5.5.5', v6: '2400:3200::1' };
export const ABROAD: Pair = { v4: '193.0.6.139', v6: '2001:67c:2e8:22::1' };
export const CLIENT: Pair = { v4: '192.168.7.2', v6: 'fd00:7::2' };
export const FAR: Pair = { v4: '151.101.1.6', v6: '2a04:4e42::6' };
/** The client's way out, and where its resolver listens if a test starts one. */
export const GATEWAY: Pair = { v4: '192.168.7.1', v6: 'fd00:7::1' };
const FAR_GATEWAY: Pair = { v4: '151.101.1.1', v6: '2a04:4e42::1' };

const ORIGIN = new URL('origin.ts', import.meta.url).pathname;

export interface Internet {
  readonly client: Netns;
  readonly world: Netns;
  readonly far: Netns;
  /** What the origins have seen so far. */
  seen(): Seen[];
}

/** Builds it, with the origins listening. Takes a fraction of a second. */
export async function createInternet(): Promise<Internet & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  const [client, world, far] = [
    undo.use(await Netns.create('client')),
    undo.use(await Netns.create('world')),
    undo.use(await Netns.create('far')),
  ];
  await Promise.all([
    join(
      { ns: client, device: 'uplink', addresses: [`${CLIENT.v4}/24`, `${CLIENT.v6}/64`] },
      { ns: world, device: 'client', addresses: [`${GATEWAY.v4}/24`, `${GATEWAY.v6}/64`] },
    ),
    joinFar(world, far, FAR, FAR_GATEWAY),
  ]);
  await Promise.all([
    defaultRoutes(client, GATEWAY),
    // Where nobody answers, unless a test starts a resolver: that is told at once, and the machine's own is not asked.
    client.resolveAt(GATEWAY.v4),
    world.batch(
      [CHINA, ABROAD].flatMap(({ v4, v6 }) => [
        `addr add ${v4}/32 dev lo`,
        `addr add ${v6}/128 dev lo nodad`,
      ]),
    ),
    // The kernel shows each process the sysctls of its own network namespace.
    world.must([
      'sh',
      '-c',
      'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding',
    ]),
  ]);
  const origin = undo.use(start(world, [process.execPath, ORIGIN]));
  await origin.says(/^ready$/m);
  const kept = undo.move();
  return { client, world, far, seen: () => seenIn(origin), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Another machine abroad. @param gateway on the world's side, in the same networks */
export async function createFar(
  { world }: Pick<Internet, 'world'>,
  label: string,
  address: Pair,
  gateway: Pair,
): Promise<Netns> {
  const ns = await Netns.create(label);
  await joinFar(world, ns, address, gateway, label);
  return ns;
}

async function joinFar(
  world: Netns,
  ns: Netns,
  address: Pair,
  gateway: Pair,
  device: string = 'far',
): Promise<void> {
  await join(
    { ns, device: 'uplink', addresses: [`${address.v4}/24`, `${address.v6}/64`] },
    { ns: world, device, addresses: [`${gateway.v4}/24`, `${gateway.v6}/64`] },
  );
  await defaultRoutes(ns, gateway);
}

/** `http://HOST[:PORT]/PATH` of an address of either family. */
export function url(address: string, path = '', port: number = PORTS.http): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}/${path}`;
}

/** Waits for the origin's line on the end of a transfer of `bytes` on `port`. */
export function transferSeen(internet: Internet, port: number, bytes: number): Promise<Seen> {
  return eventually(`the origin to see the end of ${bytes} bytes on port ${port}`, () =>
    internet.seen().find((seen) => seen.port === port && seen.bytes === bytes),
  );
}

function seenIn(origin: Program): Seen[] {
  const lines = origin.stdout().split('\n').slice(1, -1);
  return lines.map((line) => JSON.parse(line) as Seen);
}

function defaultRoutes(ns: Netns, gateway: Pair): Promise<unknown> {
  return ns.batch([`route add 0.0.0.0/0 via ${gateway.v4}`, `route add ::/0 via ${gateway.v6}`]);
}
