import type { ResolverConfig } from '../../src/config/dns_config.ts';
import { parseAddress } from '../../src/net/address.ts';

/** A resolver as a checked configuration has it, with nothing but what is given. */
export function resolverConfig(
  transport: ResolverConfig['transport'],
  address: string,
  port: number,
  more: Partial<ResolverConfig> = {},
): ResolverConfig {
  return {
    transport,
    address: parseAddress(address)!,
    port,
    host: undefined,
    path: undefined,
    ca: undefined,
    authorization: undefined,
    ...more,
  };
}
