/**
 * The resolvers of macOS, as `scutil --dns` tells them: /etc/resolv.conf has no more than a copy of the first ones there,
 * without the zones of link-local addresses, and none of those that VPNs, profiles and /etc/resolver give for their domains.
 */
import { RunError, type Runner } from '../base/runner.ts';
import { formatEndpoint, isLoopback, parseAddress, type Address, type Endpoint } from '../net/address.ts';
import { parseScutilDns, type ListedResolver } from './scutil_dns.ts';
import {
  DNS_PORT,
  generalOnly,
  readNameservers,
  stampOf,
  type DomainNameservers,
  type Nameservers,
  type SystemNameservers,
} from './system_resolver.ts';

/** resolver(5). Written anew by configd whenever the resolvers for all names change; a link to /var/run/resolv.conf. */
const RESOLV_CONF = '/etc/resolv.conf';

/** Milliseconds after which it is asked again in any case: what is there for single domains changes without a trace in files. */
const ASK_AGAIN_MS = 30_000;
/** Milliseconds: it takes some ten. */
const PATIENCE = 2_000;

export interface ScutilOptions {
  readonly resolvConf?: string;
  /** Milliseconds, monotonic. */
  readonly now?: () => number;
}

/** Of macOS. Where scutil can't tell, what resolv.conf has. */
export function scutilNameservers(
  runner: Runner,
  { resolvConf = RESOLV_CONF, now = () => performance.now() }: ScutilOptions = {},
): Nameservers {
  /** Nothing, of a program that fails. */
  async function output(argv: readonly string[]): Promise<string> {
    try {
      const { code, stdout } = await runner.run(argv, { timeout: PATIENCE });
      return code === 0 ? stdout : '';
    } catch (error) {
      if (error instanceof RunError) return '';
      throw error;
    }
  }

  /** DHCP's resolvers of an interface, where somebody has put others in their place. ipconfig(8) prints one of several. */
  async function givenByDhcp(via: string): Promise<Endpoint[]> {
    const address = parseAddress((await output(['ipconfig', 'getoption', via, 'domain_name_server'])).trim());
    return address && !isLoopback(address) ? [{ address, port: DNS_PORT }] : [];
  }

  return {
    source: 'scutil --dns',
    stamp: () => `${stampOf(resolvConf)} ${Math.floor(now() / ASK_AGAIN_MS)}`,
    async read() {
      const listed = parseScutilDns(await output(['scutil', '--dns']));
      const found = resolversIn(listed);
      if (found.general.length === 0 && found.domains.length === 0)
        return generalOnly(readNameservers({ resolvConf, behindForwarder: [] }));
      const { via, uncaught } = found;
      const isForwarder =
        found.general.length > 0 && found.general.every(({ address }) => isLoopback(address));
      const behind = isForwarder && via !== undefined ? await givenByDhcp(via) : [];
      return { general: behind.length > 0 ? behind : found.general, domains: found.domains, uncaught };
    },
  };
}

interface Found extends SystemNameservers {
  /** The interface by which those for all names are asked. */
  readonly via: string | undefined;
}

/**
 * Whom macOS asks for what. Of several resolvers for the same names it is the one with the lowest order that counts, and one
 * to which there is a way before one to which there is none; its search domains say nothing of whom to ask, and any network
 * may give some.
 */
export function resolversIn(listed: readonly ListedResolver[]): Found {
  const usable = listed
    .filter(({ nameservers, isSpecial }) => nameservers.length > 0 && !isSpecial)
    .toSorted((a, b) => Number(b.isReachable) - Number(a.isReachable) || a.order - b.order);
  const first = usable.find(({ domain }) => domain === undefined);
  const domains = new Map<string, DomainNameservers>();
  for (const one of usable) {
    const { domain } = one;
    if (domain !== undefined && !domains.has(domain))
      domains.set(domain, { domain, resolvers: endpointsOf(one) });
  }
  const named = first ? endpointsOf(first) : [];
  const remote = named.filter(({ address }) => !isLoopback(address));
  return {
    // A forwarder of this machine asks others in its turn, and what it asks of port 53 comes to us.
    general: remote.length > 0 ? remote : named,
    domains: [...domains.values()],
    uncaught: uncaughtOf(named),
    via: first?.interface,
  };
}

function endpointsOf({ nameservers, port }: ListedResolver): Endpoint[] {
  const endpoints = nameservers.map((address) => ({ address, port }));
  return [...new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint), endpoint])).values()];
}

/** pf turns around what leaves by other interfaces than lo0: what a program asks of its own machine never does. */
function uncaughtOf(named: readonly Endpoint[]): Address[] {
  return named.map(({ address }) => address).filter(isLoopback);
}
