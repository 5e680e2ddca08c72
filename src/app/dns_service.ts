/** The resolver of a running snet: its ears, its cache and what it remembers stay; the rules it goes by can be swapped. */
import { realClock } from '../base/clock.ts';
import { createElapsed } from '../base/elapsed.ts';
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import type { DnsConfig } from '../config/dns_config.ts';
import { createCache } from '../dns/cache/cache.ts';
import { createKeeper } from '../dns/cache/keeper.ts';
import { createVerdicts } from '../dns/cache/verdicts.ts';
import type { ResolverStats } from '../dns/exchange/side.ts';
import { createResolver, type Resolver } from '../dns/resolver.ts';
import { listenDns, listenForLinkLocal } from '../dns/server/listener.ts';
import type { Nameservers } from '../dns/system_resolver.ts';
import { portHolder } from '../inbound/select_port_holder.ts';
import { formatAddress, isLinkLocal, type Address } from '../net/address.ts';
import { createNameMemory, type NameMemory } from '../net/name_memory.ts';
import { buildDns, type DnsRules } from './build_dns.ts';
import type { Policy } from './policy.ts';

/** A configuration that has a resolver. */
export type ConfigWithDns = Config & { readonly dns: DnsConfig };

export function hasDns(config: Config): config is ConfigWithDns {
  return config.dns !== undefined;
}

export interface DnsService {
  readonly port: number;
  /** Of the addresses that were given. */
  readonly names: NameMemory;
  readonly explain: Resolver['explain'];
  status(): DnsStatus;
  /**
   * Listens for what is asked of link-local resolvers. Only where the kernel keeps other machines out.
   * @returns the port; undefined where it can't be done
   */
  takeLinkLocal(): Promise<number | undefined>;
  /** What a new configuration comes to; nothing goes by it yet. @throws as {@link buildDns} */
  build(config: ConfigWithDns, policy: Policy): Promise<DnsRules>;
  /** New queries go by these from now on; those under way end as they began. */
  use(rules: DnsRules): void;
  /** The machine may have come to another network. */
  renew(): Promise<void>;
  /** Answers no more, and keeps what there is for the next start. */
  stop(): Promise<void>;
}

export interface DnsStatus {
  readonly port: number;
  readonly answers: number;
  readonly verdicts: number;
  readonly resolvers: readonly ResolverStats[];
}

/** Milliseconds: longer than any query lasts. */
const QUERIES_END = 6_000;

/**
 * @throws DnsListenError if the port can't be had, and as {@link buildDns}; nothing listens then
 */
export async function startDns(
  config: ConfigWithDns,
  policy: Policy,
  log: Log,
  nameservers: Nameservers,
): Promise<DnsService> {
  const { port, cache: cacheConfig } = config.dns;
  // What was good for a minute is not good any more after a night's sleep.
  const elapsed = createElapsed();
  const cache = createCache(cacheConfig, elapsed);
  const verdicts = createVerdicts();
  const names = createNameMemory({ clock: elapsed });
  const { directory } = cacheConfig;
  let reconsider = () => {};
  const system = { nameservers, domainsChanged: () => reconsider() };
  const build: DnsService['build'] = (next, by) => buildDns(next, by, verdicts, log, system);

  let rules = await build(config, policy);
  const failed = (error: unknown) => {
    log.error('a fault in the resolver', { status: 'ERR_INTERNAL', reason: explain(error) });
    if (error instanceof Error) log.debug(error.stack ?? error.message);
  };
  const resolver = createResolver(rules, { cache, memory: names, clock: realClock, failed });
  // What is in the cache is decided on anew, and local names are asked anew.
  reconsider = () => resolver.use(rules);
  let forLinkLocal: { readonly port: number; close(): void } | undefined;
  try {
    const listener = await listenDns({ port, resolve: resolver.resolve, failed, holder: portHolder });
    const keeper = directory === undefined ? undefined : createKeeper({ directory, cache, verdicts, log });
    await keeper?.load();
    return {
      port: listener.port,
      names,
      explain: (name, type, how) => resolver.explain(name, type, how),
      status: () => ({
        port: listener.port,
        answers: cache.count,
        verdicts: verdicts.count,
        resolvers: rules.sides.flatMap((side) => side.stats()),
      }),
      async takeLinkLocal() {
        try {
          forLinkLocal = await listenForLinkLocal({ resolve: resolver.resolve, failed });
        } catch (error) {
          log.debug('not listening for link-local resolvers', { reason: explain(error) });
        }
        return forLinkLocal?.port;
      },
      build,
      use(next) {
        const old = rules;
        rules = next;
        resolver.use(next);
        setTimeout(() => old.close(), QUERIES_END).unref();
      },
      async renew() {
        await rules.renew();
        reconsider();
      },
      async stop() {
        listener.close();
        forLinkLocal?.close();
        rules.close();
        await keeper?.stop();
      },
    };
  } catch (error) {
    rules.close();
    throw error;
  }
}

/**
 * Said at start, since nobody would find out: not all rules of the kernel can catch what is asked of a link-local resolver,
 * and not all systems let them catch what is asked of one on the machine itself.
 * @param seesToLinkLocal they catch the former, or have the system ask its other resolvers
 */
export async function warnOfUncaught(
  nameservers: Nameservers,
  seesToLinkLocal: boolean,
  log: Log,
): Promise<void> {
  const { general, uncaught } = await nameservers.read();
  const linkLocal = general.map(({ address }) => address).filter(isLinkLocal);
  const named = (addresses: readonly Address[]) => ({ resolvers: addresses.map(formatAddress).join(',') });
  if (linkLocal.length > 0 && !seesToLinkLocal)
    log.warn('what is asked of a resolver with a link-local address can not be caught', named(linkLocal));
  if (uncaught.length > 0)
    log.info(
      'the system asks a resolver on this machine; only what that asks of port 53 in its turn is caught',
      named(uncaught),
    );
}
