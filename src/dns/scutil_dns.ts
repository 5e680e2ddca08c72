/**
 * What `scutil --dns` prints of macOS's resolvers, as configd's dnsinfo/dnsinfo_logging.h writes it (the same from configd-963
 * to configd-1405; older ones leave the hexadecimal number out of `reach`):
 *
 *     DNS configuration
 *
 *     resolver #1
 *       search domain[0] : fritz.box
 *       nameserver[0] : 192.168.178.1
 *       nameserver[1] : fe80::1%en0
 *       if_index : 14 (en0)
 *       flags    : Request A records, Request AAAA records
 *       reach    : 0x00020002 (Reachable,Directly Reachable Address)
 *
 *     resolver #2
 *       domain   : corp.example
 *       nameserver[0] : 10.8.0.1
 *       …
 *       order    : 103200
 *
 *     DNS configuration (for scoped queries)
 *     …
 *
 * Values come from DHCP, VPNs and profiles: anything may stand in them.
 */
import { isLinkLocal, parseAddress, parsePort, type Address } from '../net/address.ts';
import { normalName } from './lists/name.ts';
import { DNS_PORT } from './system_resolver.ts';

/** A resolver of the first section: what is asked that is bound to no interface and no service. */
export interface ListedResolver {
  /** It is asked for this name and all below it, in lower case; undefined: for all names. */
  readonly domain: string | undefined;
  /** In their order; none of one that names nobody, or in a way that can't be read. */
  readonly nameservers: readonly Address[];
  readonly port: number;
  /** The interface by which it is asked; undefined: any. */
  readonly interface: string | undefined;
  /** False if the system sees no way to it at the moment. */
  readonly isReachable: boolean;
  /** Names by multicast, or by Apple's "Back to My Mac", whose resolvers are none of DNS. */
  readonly isSpecial: boolean;
  /** Of several for the same names, the one with the lowest comes first. 0, which is never printed: the highest of all ranks. */
  readonly order: number;
}

const FIRST_SECTION = 'DNS configuration';

/** Where mDNSResponder does the same as for `options: mdns` (ConfigResolvers in mDNSMacOSX.c). */
const MDNS_PORT = 5353;

/**
 * Every resolver of the first section, as it stands there. Of what is no such listing there are none; nor of one whose
 * resolvers are not in the order of their numbers, that has a section twice, or a domain that is not the first of its
 * resolver's fields: some value has lines of its own then, by which a network could get names of its choice.
 */
export function parseScutilDns(text: string): ListedResolver[] {
  const found: Map<string, string>[] = [];
  const sections = new Set<string>();
  let current: Map<string, string> | undefined;
  let isScoped = false;
  let last = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('DNS configuration')) {
      const section = line.trim();
      if (sections.has(section)) return [];
      sections.add(section);
      // Those for scoped, and for service-specific queries: nobody asks them without saying so.
      isScoped = section !== FIRST_SECTION;
      last = 0;
      continue;
    }
    const number = /^resolver #(\d+)\s*$/.exec(line)?.[1];
    if (number !== undefined) {
      if (Number(number) <= last) return [];
      last = Number(number);
      current = new Map();
      if (!isScoped) found.push(current);
      continue;
    }
    const [, key, value] = /^ {2}([a-z_]+(?: domain)?(?:\[\d+\])?) *: (.*?)\s*$/.exec(line) ?? [];
    if (current === undefined || key === undefined || value === undefined) continue;
    if (key === 'domain' && current.size > 0) return [];
    if (!current.has(key)) current.set(key, value);
  }
  return found.map(resolverOf);
}

function resolverOf(fields: ReadonlyMap<string, string>): ListedResolver {
  const { domain, isReadable } = domainOf(fields.get('domain'));
  const by = /\((.+)\)$/.exec(fields.get('if_index') ?? '')?.[1];
  const through = by === '?' ? undefined : by;
  const port = portOf(fields.get('port'));
  const listed = [...fields].flatMap(([key, value]) => (key.startsWith('nameserver[') ? [value] : []));
  const nameservers = listed.flatMap((value) => addressOf(value, through));
  return {
    domain,
    // Whoever is there for names that we can't tell, or in a place that we can't, is not to be asked for others, or elsewhere.
    nameservers: isReadable && port !== undefined ? nameservers : [],
    port: port ?? DNS_PORT,
    interface: through,
    isReachable: !(fields.get('reach') ?? '').includes('Not Reachable'),
    isSpecial: port === MDNS_PORT || /\b[mp]dns\b/.test(fields.get('options') ?? ''),
    order: orderOf(fields.get('order')),
  };
}

function portOf(value: string | undefined): number | undefined {
  return value === undefined ? DNS_PORT : parsePort(value);
}

/** The root is no domain: all names are below it. */
function domainOf(value: string | undefined): { readonly domain?: string; readonly isReadable: boolean } {
  if (value === undefined || value === '' || value === '.') return { isReadable: true };
  const domain = normalName(value);
  return domain === undefined ? { isReadable: false } : { domain, isReadable: true };
}

/** @param through says which link a link-local address is on, where the address itself does not */
function addressOf(value: string, through: string | undefined): Address[] {
  const [, host = '', zone = through] = /^([^%]*)(?:%(.+))?$/.exec(value) ?? [];
  const address = parseAddress(host);
  if (!address) return [];
  return [zone !== undefined && isLinkLocal(address) ? { ...address, zone } : address];
}

function orderOf(value: string | undefined): number {
  return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : 0;
}
