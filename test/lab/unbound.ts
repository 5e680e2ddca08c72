/** unbound as a resolver over UDP, TCP, TLS and HTTPS, with names for a whole test, and with the log of what it was asked. */
import { writeFile } from 'node:fs/promises';
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';

export interface UnboundOptions {
  /** Where it may have its configuration. */
  readonly file: string;
  /** That it listens on. */
  readonly addresses: readonly string[];
  /** PEM files. Left out: neither TLS nor HTTPS. */
  readonly certificate?: string;
  readonly key?: string;
  /** A suffix to the IPv4 address that it and all names below it have. It asks nobody for others. */
  readonly zones: Readonly<Record<string, string>>;
  /** Lines of its own configuration besides, such as `local-data: …`. */
  readonly more?: readonly string[];
}

export async function startUnbound(ns: Netns, options: UnboundOptions): Promise<Program> {
  await writeFile(options.file, rendered(options));
  const unbound = start(ns, ['unbound', '-d', '-d', '-c', options.file]);
  await unbound.says(/start of service/);
  return unbound;
}

/** Who asked it for a name so far, in order: addresses. */
export function askersOf(unbound: Program, name: string): string[] {
  const queries = unbound.said().matchAll(/ info: (\S+) (\S+)\. \S+ IN\n/g);
  return [...queries].filter((query) => query[2] === name).map((query) => query[1]!);
}

function rendered({ addresses, certificate, key, zones, more = [] }: UnboundOptions): string {
  const ports = certificate === undefined ? [53] : [53, 853, 443];
  const listen = addresses.flatMap((address) => ports.map((port) => `interface: ${address}@${port}`));
  const tls = [`tls-service-pem: "${certificate}"`, `tls-service-key: "${key}"`];
  const names = Object.entries(zones).flatMap(([zone, is]) => [
    `local-zone: "${zone}." redirect`,
    `local-data: "${zone}. 60 IN A ${is}"`,
  ]);
  return `server:
    directory: ""
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    log-queries: yes
    module-config: "iterator"
    access-control: 0.0.0.0/0 allow
    access-control: ::/0 allow
    tls-port: 853
    https-port: 443
    ${[...listen, ...(certificate === undefined ? [] : tls), ...names, ...more].join('\n    ')}
`;
}
