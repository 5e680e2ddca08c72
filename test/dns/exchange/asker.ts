/**
 * Asks resolvers, where the tests can't be themselves: `asker.ts TASK`, JSON of a {@link Task}. Prints a line of JSON, a
 * {@link Round}, for each time that it has asked: at once, and whenever it gets SIGUSR2. On SIGTERM it closes the
 * exchanges, prints what that left open, and ends.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createExchange } from '../../../src/dns/exchange/create.ts';
import { ExchangeError, type Exchange } from '../../../src/dns/exchange/exchange.ts';
import type { ResolverConfig } from '../../../src/config/dns_config.ts';
import { resolverConfig } from '../../config/resolver_config.ts';
import { ask, told } from './messages.ts';
import { openDirect } from './open_direct.ts';

export interface Resolver {
  readonly transport: ResolverConfig['transport'];
  readonly address: string;
  readonly port: number;
  readonly host?: string;
  readonly path?: string;
  readonly ca?: string;
}

export interface Task {
  readonly resolvers: readonly Resolver[];
  /** All asked at once. */
  readonly names: readonly string[];
  readonly mixCase?: boolean;
}

/** For each resolver. */
export type Round = readonly {
  /** Of how many names there is an answer. */
  readonly answered: number;
  /** Each of the answers' data, sorted, or errors, that are different. */
  readonly results: readonly (readonly string[] | { readonly status: string; readonly message: string })[];
}[];

/** Milliseconds that an answer may take. */
const PATIENCE = 8_000;

const { resolvers, names, mixCase = false } = JSON.parse(process.argv[2]!) as Task;
const openBefore = openSockets();
const exchanges = resolvers.map(({ transport, address, port, ...more }) =>
  createExchange(resolverConfig(transport, address, port, more), { open: openDirect, mixCase }),
);

/** Of TCP and UDP, of this process. */
function openSockets(): number {
  const inodes = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/self/net/${table}`, 'utf8')
      .split('\n')
      .slice(1, -1)
      // proc_net_tcp.rst: the tenth column.
      .map((line) => line.trim().split(/\s+/)[9]!),
  );
  const ours = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The folder's own descriptor, closed by now.
      return '';
    }
  });
  return inodes.filter((inode) => ours.includes(`socket:[${inode}]`)).length;
}

async function result(exchange: Exchange, name: string): Promise<Round[number]['results'][number]> {
  const { query, question } = ask(name);
  try {
    const answer = await exchange.ask(query, question, { signal: AbortSignal.timeout(PATIENCE) });
    return told(answer).data.map(String).sort();
  } catch (error) {
    if (error instanceof ExchangeError) return { status: error.status, message: error.message };
    return { status: 'unknown', message: String(error) };
  }
}

async function round(): Promise<void> {
  const said: Round = await Promise.all(
    exchanges.map(async (exchange) => {
      const results = await Promise.all(names.map((name) => result(exchange, name)));
      const distinct = new Set(results.map((one) => JSON.stringify(one)));
      return {
        answered: results.filter(Array.isArray).length,
        results: [...distinct].map((text) => JSON.parse(text) as (typeof results)[number]),
      };
    }),
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

process.on('SIGUSR2', () => void round());
process.once('SIGTERM', () => {
  for (const exchange of exchanges) exchange.close();
  // The kernel's side of a close comes a turn of the event loop later.
  setTimeout(() => {
    process.stdout.write(`left open: ${openSockets() - openBefore}\n`);
    clearInterval(keepAlive);
  }, 100);
});
const keepAlive = setInterval(() => {}, 60_000);
await round();
