/** shadowsocks-libev's local end, a SOCKS5 proxy, and curl through it. */
import type { Finished, Netns } from './netns.ts';
import { start, type Program } from './program.ts';
import type { Server } from './upstream.ts';

const SOCKS = '1080';

/** Starts it, for a server at `host`. */
export async function startLocal(
  ns: Netns,
  host: string,
  { method, password, port }: Server,
): Promise<Program> {
  const server = ['-s', host, '-p', String(port), '-m', method, '-k', password, '-t', '60'];
  const local = start(ns, ['ss-local', ...server, '-b', '127.0.0.1', '-l', SOCKS]);
  await local.says(/listening at/);
  return local;
}

/** A command line; names are resolved at the far end. */
export const curlThroughLocal = (...args: readonly string[]): string[] => [
  'curl',
  '-sS',
  '--socks5-hostname',
  `127.0.0.1:${SOCKS}`,
  ...args,
];

/** Runs it to its end, of which a time limit is one. */
export function fetchThroughLocal(ns: Netns, target: string, seconds = 8): Promise<Finished> {
  return ns.run(curlThroughLocal('-m', String(seconds), target));
}
