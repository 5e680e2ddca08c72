/** dnsmasq, a resolver that nobody here wrote, with the log of what it was asked. Unless told whom to ask, it asks nobody. */
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

export interface DnsmasqOptions {
  /** Addresses that it listens on. Left out: all, also those that are still to come. */
  readonly listen?: readonly string[];
  readonly port?: number;
  /** A suffix to the addresses that it and all names below it have. All others are refused. */
  readonly zones?: Readonly<Record<string, readonly string[]>>;
  /** Seconds that its answers are good for. */
  readonly ttl?: number;
  /** Its own options besides, such as `--host-record=…`. */
  readonly more?: readonly string[];
}

export async function startDnsmasq(
  ns: Netns,
  { listen, port = 53, zones = {}, ttl = 300, more = [] }: DnsmasqOptions,
): Promise<Program> {
  const alone = ['--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--keep-in-foreground', '--user=root'];
  const kept = ['--pid-file=', '--cache-size=0', `--local-ttl=${ttl}`];
  const said = ['--log-queries', '--log-facility=-'];
  const bound =
    listen === undefined
      ? []
      : ['--bind-interfaces', ...listen.map((address) => `--listen-address=${address}`)];
  const names = Object.entries(zones).flatMap(([zone, addresses]) =>
    addresses.map((address) => `--address=/${zone}/${address}`),
  );
  const dnsmasq = start(ns, [
    'dnsmasq',
    ...alone,
    ...kept,
    ...said,
    `--port=${port}`,
    ...bound,
    ...names,
    ...more,
  ]);
  await dnsmasq.says(/started/);
  return dnsmasq;
}

/** What it was asked for so far, each as often as it was, as `A www.example`. */
export function askedOf(dnsmasq: Program): string[] {
  const queries = dnsmasq.said().matchAll(/ query\[(\S+)\] (\S+) from /g);
  return [...queries].map(([, type, name]) => `${type} ${name}`);
}
