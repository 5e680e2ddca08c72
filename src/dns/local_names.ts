/** Names that mean something on this network or this machine only. Nobody outside may be asked for them. */
import { domainSet, NO_DOMAINS, type DomainEntry, type DomainSet } from '../net/domain_set.ts';

/** Top-level domains that exist on local networks only, and are delegated nowhere. */
const LOCAL_DOMAINS = [
  // Multicast DNS: RFC 6762 §3.
  'local',
  // RFC 8375.
  'home.arpa',
  // Reserved for private use by ICANN's board, 2024-07-29.
  'internal',
  // In wide use, as RFC 6762 appendix G tells.
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  // What DHCP servers give out by default.
  'localdomain',
  // RFC 6761 §6.2: answered by servers of one's own, if at all.
  'test',
  // How a host finds its network's NAT64 prefix: only that network's resolver knows (RFC 8880 §7.1).
  'ipv4only.arpa',
];

/** From..to, inclusive. */
function numbered(from: number, to: number, zone: string): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}.${zone}`);
}

const V4 = 'in-addr.arpa';
const V6 = 'ip6.arpa';
const ZEROS = (count: number) => '0.'.repeat(count);

/** Who has which private address: zones of RFC 6303 §4, and 100.64.0.0/10 of RFC 7793 §2. */
const LOCAL_REVERSE = [
  // §4.1, RFC 1918.
  `10.${V4}`,
  ...numbered(16, 31, `172.${V4}`),
  `168.192.${V4}`,
  // §4.2: this network, loopback, link-local, the nets of examples, broadcast.
  `0.${V4}`,
  `127.${V4}`,
  `254.169.${V4}`,
  `2.0.192.${V4}`,
  `100.51.198.${V4}`,
  `113.0.203.${V4}`,
  `255.255.255.255.${V4}`,
  ...numbered(64, 127, `100.${V4}`),
  // §4.3: :: and ::1.
  `${ZEROS(32)}${V6}`,
  `1.${ZEROS(31)}${V6}`,
  // §4.4, fc00::/7; it lists fd00::/8, since fc00::/8 has no rules yet: nobody outside knows of either.
  `c.f.${V6}`,
  `d.f.${V6}`,
  // §4.5, fe80::/10.
  ...['8', '9', 'a', 'b'].map((digit) => `${digit}.e.f.${V6}`),
  // §4.6, 2001:db8::/32.
  `8.b.d.0.1.0.0.2.${V6}`,
];

export type LocalNames = Pick<DomainSet, 'has' | 'find'>;

/**
 * @param more suffixes of the configuration
 * @param system domains for which the system names resolvers of their own, at the time that it is asked: a VPN's
 */
export function localNames(more: readonly DomainEntry[], system: LocalNames = NO_DOMAINS): LocalNames {
  const suffixes = [...LOCAL_DOMAINS, ...LOCAL_REVERSE].map((name) => ({ name, suffix: true }));
  const own = domainSet([...suffixes, ...more]);
  return {
    has: (name) => own.has(name) || system.has(name),
    find: (name) => own.find(name) ?? system.find(name),
  };
}

/** Also for every name of one label, as `printer`. The root is no such name. */
export function isLocal(local: LocalNames, name: string): boolean {
  return (name !== '' && !name.includes('.')) || local.has(name);
}
