/**
 * The system's own resolvers, as they are without us: they know the names of the local network, and those of a VPN. Our
 * rules take port 53 of all other programs but leave the system's settings as they are, so these can be read at any time,
 * and read again when they change (another Wi-Fi, a VPN).
 */
import { readFileSync, statSync } from 'node:fs';
import { formatAddress, formatEndpoint, isLoopback, type Address, type Endpoint } from '../net/address.ts';
import { domainSet, NO_DOMAINS, type DomainMatch, type DomainSet } from '../net/domain_set.ts';
import { type Exchange, ExchangeError } from './exchange/exchange.ts';
import { parseResolvConf } from './resolv_conf.ts';

export interface SystemFiles {
  readonly resolvConf: string;
  /**
   * Where those say whom they ask themselves that put a forwarder of this machine into resolv.conf: systemd-resolved
   * (systemd-resolved.service(8)), NetworkManager with dnsmasq (NetworkManager.conf(5), `rc-manager`).
   */
  readonly behindForwarder: readonly string[];
}

/** Where the system has them written down. */
export interface Nameservers {
  /** For people. */
  readonly source: string;
  /** Whenever `read` would give others, this has changed, or will have before long. Cheap. */
  stamp(): string;
  /** Never rejects: of what can't be read, there are none. */
  read(): Promise<SystemNameservers>;
}

export interface SystemNameservers {
  /** Whom to ask for all names, best first. */
  readonly general: readonly Endpoint[];
  /** Domains that others are asked for, with all below them: a VPN's, for instance. Each once. */
  readonly domains: readonly DomainNameservers[];
  /** Whom the system asks where no rule of ours can catch it: what it asks there passes us by. */
  readonly uncaught: readonly Address[];
}

export interface DomainNameservers {
  /** As in a question: lower case, without a dot at the end. */
  readonly domain: string;
  /** At least one, best first. */
  readonly resolvers: readonly Endpoint[];
}

export const DNS_PORT = 53;

const SYSTEM_FILES: SystemFiles = {
  resolvConf: '/etc/resolv.conf',
  behindForwarder: ['/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf'],
};

/** Of Linux. */
export const FILE_NAMESERVERS: Nameservers = nameserversIn(SYSTEM_FILES);

/** The same in other files. */
export function nameserversIn(files: SystemFiles): Nameservers {
  return {
    source: files.resolvConf,
    stamp: () => [files.resolvConf, ...files.behindForwarder].map(stampOf).join(' '),
    read: () => Promise.resolve(generalOnly(readNameservers(files))),
  };
}

/** Of a system that asks the same for all names, and by ways that our rules catch. */
export function generalOnly(addresses: readonly Address[]): SystemNameservers {
  return { general: addresses.map((address) => ({ address, port: DNS_PORT })), domains: [], uncaught: [] };
}

/** They are looked at again after so many milliseconds, when somebody asks. */
const LOOK_AGAIN_MS = 3_000;

/**
 * Whom to ask, best first. A forwarder on loopback asks others in its turn, and what it asks comes to us, who would ask it
 * again: so those it asks are asked directly, and it only if nobody can be found behind it.
 */
export function readNameservers(
  { resolvConf, behindForwarder }: SystemFiles,
  read: (path: string) => string = readText,
): Address[] {
  const named = parseResolvConf(read(resolvConf));
  const direct = named.filter((address) => !isLoopback(address));
  if (direct.length > 0) return direct;
  const behind = behindForwarder.flatMap((path) => parseResolvConf(read(path)));
  const reachable = behind.filter((address) => !isLoopback(address));
  return reachable.length > 0 ? reachable : named;
}

export interface SystemResolverOptions {
  readonly nameservers: Nameservers;
  /** An exchange with all of these, asked directly. */
  readonly open: (resolvers: readonly Endpoint[]) => Exchange;
  /** The system's domains have become others: names may be local that were not, or the reverse. */
  readonly domainsChanged: () => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Asks whomever the system names at that time. */
export interface SystemResolver extends Exchange {
  /** Domains that the system asks others for than for all names. Those of the moment: a VPN comes and goes. */
  readonly domains: Pick<DomainSet, 'has' | 'find'>;
  /** The machine may have come to another network: reads anew whom to ask, and connects anew to those that stay. */
  reread(): Promise<void>;
}

/** One that is asked for all names, or for one domain. */
interface Asked {
  /** For people, and to tell whether it is still the same. */
  readonly names: string;
  readonly exchange: Exchange;
}

interface State {
  readonly general: Asked | undefined;
  /** By the domain. */
  readonly byDomain: ReadonlyMap<string, Asked>;
  readonly domains: DomainSet;
}

const NOBODY: State = { general: undefined, byDomain: new Map(), domains: NO_DOMAINS };

export function createSystemResolver({
  nameservers,
  open,
  domainsChanged,
  now,
}: SystemResolverOptions): SystemResolver {
  let seen: string | undefined;
  let current = NOBODY;
  let lookedAt = -Infinity;
  let closed = false;

  /** While they are being read, all wait for the same. */
  let reading: Promise<void> | undefined;

  function look(): Promise<void> | undefined {
    if (!closed && !reading && now() - lookedAt >= LOOK_AGAIN_MS) {
      lookedAt = now();
      const stamp = nameservers.stamp();
      if (stamp !== seen) {
        seen = stamp;
        reading = reread().finally(() => (reading = undefined));
      }
    }
    return reading;
  }

  async function reread(): Promise<void> {
    const found = await nameservers.read();
    if (closed) return;
    const old = current;
    current = stateOf(found, old);
    for (const one of askedIn(old)) if (!askedIn(current).includes(one)) one.exchange.close();
    if (domainNames(current) !== domainNames(old)) domainsChanged();
  }

  /** Those that stay the same stay as they are, with what is known of them. */
  function stateOf({ general, domains }: SystemNameservers, old: State): State {
    const asked = (resolvers: readonly Endpoint[], before: Asked | undefined): Asked[] => {
      if (resolvers.length === 0) return [];
      const names = resolvers.map(nameOf).join(', ');
      return [before?.names === names ? before : { names, exchange: open(resolvers) }];
    };
    const byDomain = new Map(
      domains.flatMap(({ domain, resolvers }) =>
        asked(resolvers, old.byDomain.get(domain)).map((one) => [domain, one] as const),
      ),
    );
    return {
      general: asked(general, old.general)[0],
      byDomain,
      domains: domainSet([...byDomain.keys()].map((name) => ({ name, suffix: true }))),
    };
  }

  function find(name: string): DomainMatch | undefined {
    void look();
    return current.domains.find(name);
  }

  /** For the most specific domain of the name. */
  function askedFor(name: string): Asked | undefined {
    const entry = current.domains.find(name)?.entry;
    return entry === undefined ? current.general : current.byDomain.get(entry.replace(/^\*\./, ''));
  }

  return {
    get label() {
      const byDomain = [...current.byDomain].map(([domain, { names }]) => `, ${domain}: ${names}`);
      return `system (${current.general?.names ?? 'none'}${byDomain.join('')})`;
    },
    domains: { has: (name) => find(name) !== undefined, find },
    async ask(query, question, options) {
      await look();
      const asked = closed ? undefined : askedFor(question.name);
      if (!asked)
        throw new ExchangeError(
          'ERR_DNS_UNREACHABLE',
          `${nameservers.source} names no resolver that can be asked`,
        );
      return asked.exchange.ask(query, question, options);
    },
    async reread() {
      // One that is under way may have read what was before.
      await reading;
      seen = undefined;
      lookedAt = -Infinity;
      await look();
      for (const { exchange } of askedIn(current)) exchange.renew?.();
    },
    close() {
      closed = true;
      for (const { exchange } of askedIn(current)) exchange.close();
    },
  };
}

function domainNames({ byDomain }: State): string {
  return [...byDomain.keys()].toSorted().join(' ');
}

function askedIn({ general, byDomain }: State): Asked[] {
  return [...(general ? [general] : []), ...byDomain.values()];
}

/** The port only where it is another than usual. */
function nameOf(resolver: Endpoint): string {
  return resolver.port === DNS_PORT ? formatAddress(resolver.address) : formatEndpoint(resolver);
}

/** What changes when the file does: also when another one is moved to its place within one tick of its clock. */
export function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat ? `${stat.ino}:${stat.mtimeNs}:${stat.size}` : 'none';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there, or not ours to read: it names nobody.
    return '';
  }
}
