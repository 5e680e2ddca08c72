/** From a checked configuration to what is in force: names resolved, keys derived, ranges merged. Changes nothing on the machine. */
import type { Log } from '../base/log.ts';
import type { Config, ShadowsocksConfig, AeadPreference } from '../config/config.ts';
import { formatHostPort, parseAddress, type Host } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { NO_RANGES, rangesOf } from '../net/ranges.ts';
import { builtinCnRanges } from '../route/cn_ranges.ts';
import { decide, kernelBypass, type RoutePolicy } from '../route/decide.ts';
import { specialRanges } from '../route/special.ts';
import { resolveBySystem } from '../upstream/resolve.ts';
import { createServerAddress, type Resolve, type ServerAddress } from '../upstream/server_address.ts';
import { METHODS } from '../upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../upstream/shadowsocks/shadowsocks.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Policy } from './policy.ts';

/**
 * @throws ResolveError if the upstream's name has no address, AeadError if the wanted AEAD can't be had,
 *   RangesFileError if the executable is damaged
 */
export async function buildPolicy(
  config: Config,
  log: Log,
  resolve: Resolve = resolveBySystem,
): Promise<Policy> {
  const [server, bypass] = await Promise.all([
    createServerAddress(config.upstream.server, config.upstream.port, resolve, log),
    resolveBypass(config.bypass, resolve, log),
  ]);
  const upstream = shadowsocks(config.upstream, config.aead, server, log);
  const route: RoutePolicy = {
    scope: config.scope,
    special: specialRanges(),
    cn: config.scope === 'bypass-cn' ? builtinCnRanges().ranges : NO_RANGES,
    bypass: rangesOf(bypass),
  };
  return {
    decide: (destination) => decide(route, destination),
    upstream,
    timeouts: config.timeouts,
    bypass: kernelBypass(route),
    stop: () => server.stop(),
  };
}

function shadowsocks(
  { server: host, port, method, password, tag }: ShadowsocksConfig,
  aead: AeadPreference,
  server: ServerAddress,
  log: Log,
): Upstream {
  const protocol = createShadowsocksProtocol({ method: METHODS[method], password, aead });
  log.info('aead', { method, provider: protocol.provider, why: protocol.why });
  const label = `shadowsocks ${formatHostPort(host, port)} ${method}`;
  return {
    label: tag === undefined ? label : `${label} (${tag})`,
    endpoints: () => server.endpoints(),
    report: (endpoint, worked) => server.report(endpoint, worked),
    session: (destination) => protocol.session(destination),
  };
}

/** Names become addresses once; one that can't be resolved is not worth staying offline for. */
async function resolveBypass(entries: readonly (Cidr | Host)[], resolve: Resolve, log: Log): Promise<Cidr[]> {
  const resolved = entries.map(async (entry): Promise<Cidr[]> => {
    if (typeof entry !== 'string') return [entry];
    try {
      const { addresses } = await resolve(entry);
      return addresses.flatMap((text) => {
        const address = parseAddress(text);
        return address ? [{ address, prefix: address.family === 4 ? 32 : 128 }] : [];
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn('a bypass name could not be resolved: it is not bypassed', { name: entry, reason });
      return [];
    }
  });
  return (await Promise.all(resolved)).flat();
}
