/** Asks the system's own resolver: as root before our rules are in, or from our group, which they exempt. */
import { lookup, Resolver } from 'node:dns/promises';
import type { Resolved } from './server_address.ts';

/** In seconds, where the answer's TTL can't be had: the system's resolver doesn't tell, and /etc/hosts has none. */
const TTL_UNKNOWN = 60;

/**
 * Addresses by getaddrinfo, so that /etc/hosts and nsswitch hold, IPv4 first; the TTL from DNS itself.
 * @throws what node:dns throws for a name without an address
 */
export async function resolveBySystem(name: string): Promise<Resolved> {
  const [found, ttl] = await Promise.all([lookup(name, { all: true, order: 'ipv4first' }), ttlOf(name)]);
  return { addresses: found.map(({ address }) => address), ttl };
}

async function ttlOf(name: string): Promise<number> {
  try {
    const records = await new Resolver({ timeout: 1_000, tries: 1 }).resolve4(name, { ttl: true });
    return Math.min(...records.map((record) => record.ttl));
  } catch {
    return TTL_UNKNOWN;
  }
}
