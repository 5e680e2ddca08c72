/** Resolvers that a router announces by a link-local address (RDNSS, RFC 8106 §5.1), which pf can't have asked in our place. */
import type { SystemNameservers } from '../../dns/system_resolver.ts';
import { isLinkLocal, isLoopback } from '../../net/address.ts';

/**
 * Does the system ask some, and has it others to ask if those can't be reached? One by IPv4, which is caught in any case: of
 * IPv6 all may be refused.
 */
export function canDoWithoutLinkLocal({ general }: Pick<SystemNameservers, 'general'>): boolean {
  return (
    general.some(({ address }) => isLinkLocal(address)) &&
    general.some(({ address }) => address.family === 4 && !isLoopback(address))
  );
}
