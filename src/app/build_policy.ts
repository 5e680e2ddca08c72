/** From a checked configuration to what is in force: names resolved, ranges merged. Changes nothing on the machine. */
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { systemRunner } from '../base/runner.ts';
import type { Config } from '../config/config.ts';
import { parseAddress, type Address, type Host } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { contains, NO_RANGES, rangesOf, type DualRanges } from '../net/ranges.ts';
import { loadCnRanges } from '../route/cn_ranges.ts';
import { decide, kernelBypass, type RoutePolicy } from '../route/decide.ts';
import { specialRanges } from '../route/special.ts';
import { resolveBySystem } from '../upstream/resolve.ts';
import type { Resolve } from '../upstream/server_address.ts';
import { stateDirectoryOf } from './state_directory.ts';
import { keepingOf } from './subscriptions/kept.ts';
import { withSubscriptions } from './subscriptions/subscribed.ts';
import { buildUpstreams } from './upstreams/build.ts';
import type { Policy } from './policy.ts';

/**
 * @throws ResolveError if the upstream's name has no address, UpdateError or SubscriptionError if there is none, AeadError if the wanted AEAD can't be had,
 *   RangesFileError if the executable is damaged
 */
export async function buildPolicy(
  config: Config,
  log: Log,
  resolve: Resolve = resolveBySystem,
): Promise<Policy> {
  const [{ configured, built }, bypass] = await Promise.all([
    buildAll(config, resolve, log),
    resolveBypass(config.bypass, resolve, log),
  ]);
  const special = specialRanges();
  const chinese = chineseRanges(config, log);
  const route: RoutePolicy = {
    scope: config.scope,
    special,
    cn: config.scope === 'bypass-cn' ? chinese : NO_RANGES,
    bypass: rangesOf(bypass),
  };
  return {
    decide: (destination) => decide(route, destination),
    isChinese: (address) => isIn(chinese, address),
    isSpecial: (address) => isIn(special, address),
    upstreams: built.upstreams,
    configured,
    upstreamStatus: () => built.status(),
    timeouts: config.timeouts,
    bypass: kernelBypass(route),
    retire: () => built.retire(),
    renew: (hasAddress) => built.renew(hasAddress),
    stop: () => built.stop(),
  };
}

async function buildAll(config: Config, resolve: Resolve, log: Log) {
  const configured = await withSubscriptions(config, keepingOf(config), log);
  const around = { config, resolve, runner: systemRunner, log };
  return { configured, built: await buildUpstreams(configured, config.group, around) };
}

function isIn(ranges: DualRanges, address: Address): boolean {
  return contains(address.family === 4 ? ranges.v4 : ranges.v6, address);
}

/** Those of `snet update`, if they are newer than those built in. */
function chineseRanges(config: Config, log: Log): DualRanges {
  const { ranges, origin, date, problem } = loadCnRanges(stateDirectoryOf(config));
  if (problem)
    log.warn('the updated addresses of China are not used', { reason: explain(problem), used: origin });
  log.debug('addresses of China', { origin, date });
  return ranges;
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
