/** How many file descriptors are for what. */
import type { Config } from '../config/config.ts';
import type { ServerConfig } from '../config/server_config.ts';

/** Listeners, netlink, log, and connections that are accepted only to be refused. */
const ALWAYS = 64;
const PER_FLOW = 2;

/** Clients over TCP; for each China resolver, and for the system's, a socket for each query that is under way. */
const DNS_CLIENTS = 256;
const DNS_PER_RESOLVER = 512;

/** The most flows at once: accepting must not meet the limit. @param descriptors the process may have */
export function flowLimit(descriptors: number, { dns, maxConnections }: Config): number {
  const forDns = dns === undefined ? 0 : DNS_CLIENTS + DNS_PER_RESOLVER * (dns.china.length + 1);
  // Where there are few, flows get half all the same: the resolver never needs so many but in a flood.
  const forFlows = Math.max(
    descriptors - ALWAYS - forDns,
    (descriptors - ALWAYS) / (dns === undefined ? 1 : 2),
  );
  const possible = Math.max(1, Math.floor(forFlows / PER_FLOW));
  return Math.min(possible, maxConnections ?? Number.POSITIVE_INFINITY);
}

/** The most connections at once at the far end; names are looked up by the system's resolver, a few at a time. */
export function connectionLimit(
  descriptors: number,
  { maxConnections }: Pick<ServerConfig, 'maxConnections'>,
): number {
  const possible = Math.max(1, Math.floor((descriptors - ALWAYS) / PER_FLOW));
  return Math.min(possible, maxConnections ?? Number.POSITIVE_INFINITY);
}
