/** From a checked configuration to what the resolver goes by: lists read, exchanges made. Changes nothing on the machine. */
import { realClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config, UpstreamConfig } from '../config/config.ts';
import type { DnsConfig } from '../config/dns_config.ts';
import { parseAddress, type Endpoint } from '../net/address.ts';
import type { OpenStream } from '../net/byte_stream.ts';
import type { Verdicts } from '../dns/cache/verdicts.ts';
import { createExchange } from '../dns/exchange/create.ts';
import { createSide, type SideExchange } from '../dns/exchange/side.ts';
import { loadLists } from '../dns/lists/load.ts';
import { createNamePolicy } from '../dns/policy.ts';
import { openQueryLog } from '../dns/query_log.ts';
import type { ResolverRules } from '../dns/resolver.ts';
import { createSplit } from '../dns/split.ts';
import { createSystemResolver, type Nameservers, type SystemResolver } from '../dns/system_resolver.ts';
import { direct } from '../upstream/direct.ts';
import { single } from '../upstream/single.ts';
import type { Policy } from './policy.ts';
import { stateDirectoryOf } from './state_directory.ts';
import { withResolverLog } from './resolver_log.ts';
import { streamsBy } from './upstream_stream.ts';

export interface DnsRules extends ResolverRules {
  /** For those who want to know how the resolvers do. */
  readonly sides: readonly SideExchange[];
  /** The machine may have come to another network: whoever is asked is asked over new connections. */
  renew(): Promise<void>;
  /** Ends the exchanges and the log; what is under way fails. */
  close(): void;
}

export interface SystemNames {
  readonly nameservers: Nameservers;
  /** See {@link createSystemResolver}. */
  readonly domainsChanged: () => void;
}

/** @throws ExchangeError if a resolver's `ca` can't be used */
export async function buildDns(
  config: Config & { readonly dns: DnsConfig },
  policy: Policy,
  verdicts: Verdicts,
  log: Log,
  system: SystemNames,
): Promise<DnsRules> {
  const { dns } = config;
  const lists = await loadLists(dns.lists, stateDirectoryOf(config));
  for (const warning of lists.warnings) log.warn(`list: ${warning}`);

  const china = side('china', dns, streamsBy(single(direct)), log);
  const trusted = side('trusted', dns, streamsBy(policy.upstreams), log);
  const local = systemSide(system);
  // Which names are local depends on it.
  await local.reread();
  const queryLog = dns.log === undefined ? undefined : openQueryLog(dns.log, log);
  return {
    policy: createNamePolicy({ ...dns, local: [...dns.local, ...ownNames(policy)] }, lists, local.domains),
    split: createSplit({
      exchanges: { china, trusted, local },
      // With everything going through the upstream there is nothing near to be found, and nobody in China need know.
      unknown: config.scope === 'global' ? 'trusted-only' : dns.unknown,
      isChinese: (address) => policy.isChinese(address),
      isSpecial: (address) => policy.isSpecial(address),
      verdicts,
      upstreamIPv6: dns.upstreamIPv6,
      clock: realClock,
    }),
    strip: dns.strip,
    log: queryLog,
    sides: [china, trusted],
    async renew() {
      for (const exchange of [china, trusted]) exchange.renew?.();
      await local.reread();
    },
    close() {
      for (const exchange of [china, trusted, local]) exchange.close();
      queryLog?.close();
    },
  };
}

function side(name: 'china' | 'trusted', dns: DnsConfig, open: OpenStream, log: Log): SideExchange {
  const { mixCase } = dns;
  return createSide(
    name,
    dns[name].map((resolver) => withResolverLog(createExchange(resolver, { open, mixCase }), log)),
  );
}

function systemSide({ nameservers, domainsChanged }: SystemNames): SystemResolver {
  const open = streamsBy(single(direct));
  const exchangeWith = ({ address, port }: Endpoint) =>
    createExchange(
      {
        transport: 'udp',
        address,
        port,
        host: undefined,
        path: undefined,
        ca: undefined,
        authorization: undefined,
      },
      { open, mixCase: false },
    );
  return createSystemResolver({
    nameservers,
    domainsChanged,
    open: (resolvers) => createSide('system', resolvers.map(exchangeWith)),
    now: () => performance.now(),
  });
}

/**
 * The upstreams' own names are some for the system's resolver: we ask that one ourselves, and where it is a forwarder of
 * this machine, its question comes back to us. Asked through an upstream, they could not be answered when it matters.
 */
function ownNames({ configured }: Policy): string[] {
  const first = configured.map(nearest);
  return first.map(({ server }) => server).filter((server) => parseAddress(server) === undefined);
}

/** What we ourselves connect to: the names of what lies behind it are resolved by it. */
function nearest(upstream: UpstreamConfig): UpstreamConfig {
  return upstream.via === undefined ? upstream : nearest(upstream.via);
}
