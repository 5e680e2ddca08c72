/** dnsmasq as one of the two sides' resolvers, with names for a whole test, and with the log of what it was asked. */
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

export interface DnsmasqOptions {
  /** Addresses that it listens on. */
  readonly listen: readonly string[];
  readonly port?: number;
  /** A suffix to the addresses that it and all names below it have. All others are refused. */
  readonly zones?: Readonly<Record<string, readonly string[]>>;
  /** Its own options besides, such as `--host-record=…`. */
  readonly more?: readonly string[];
}

/** Seconds that its answers are good for. */
export const TTL = 300;

export async function startDnsmasq(
  ns: Netns,
  { listen, port = 53, zones = {}, more = [] }: DnsmasqOptions,
): Promise<Program> {
  const alone = ['--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--keep-in-foreground', '--user=root'];
  const kept = ['--pid-file=', '--cache-size=0', `--local-ttl=${TTL}`];
  const said = ['--log-queries', '--log-facility=-'];
  const at = [
    `--port=${port}`,
    '--bind-interfaces',
    ...listen.map((address) => `--listen-address=${address}`),
  ];
  const names = Object.entries(zones).flatMap(([zone, addresses]) =>
    addresses.map((address) => `--address=/${zone}/${address}`),
  );
  const dnsmasq = start(ns, ['dnsmasq', ...alone, ...kept, ...said, ...at, ...names, ...more]);
  await dnsmasq.says(/started/);
  return dnsmasq;
}

/** What it was asked for so far, each as often as it was, as `A www.example`. */
export function askedOf(dnsmasq: Program): string[] {
  const queries = dnsmasq.said().matchAll(/ query\[(\S+)\] (\S+) from /g);
  return [...queries].map(([, type, name]) => `${type} ${name}`);
}
