/** Where clients may be connected to: their networks are not ours, and ours is not theirs. */
import { unmapped, type Address, type Endpoint } from '../net/address.ts';

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface OutboundRules {
  readonly ports: readonly PortRange[];
  /** Whether what {@link OutboundRules.isPrivate} says doesn't matter. */
  readonly allowPrivate: boolean;
  /** Loopback, private, link-local and the like, in whatever form of address. */
  readonly isPrivate: (address: Address) => boolean;
  /** Whether we listen there ourselves: it would be a way in circles. */
  readonly isOwn: (endpoint: Endpoint) => boolean;
}

/** Why not. */
export type Refusal = 'port' | 'private' | 'own';

/** @returns why nobody may go to this port, whatever the address; undefined: that depends on it */
export function refusedPort({ ports }: OutboundRules, port: number): Refusal | undefined {
  return ports.some(({ first, last }) => port >= first && port <= last) ? undefined : 'port';
}

/**
 * @param endpoint what is about to be connected to: of a name each address that it turned out to have
 * @returns why not; undefined: it may be
 */
export function refusedEndpoint(rules: OutboundRules, endpoint: Endpoint): Refusal | undefined {
  const refusal = refusedPort(rules, endpoint.port);
  if (refusal) return refusal;
  // The kernel takes an IPv4-mapped address for the IPv4 address.
  const address = unmapped(endpoint.address);
  if (!rules.allowPrivate && rules.isPrivate(address)) return 'private';
  return rules.isOwn({ address, port: endpoint.port }) ? 'own' : undefined;
}
