/**
 * Private and special-purpose nets: addresses that mean something near this machine, or nothing at all, and so are
 * never asked of a far proxy. From IANA's IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190):
 * every block that is not "Globally Reachable", and multicast. What the registries list within such a block
 * (192.0.0.9/32, 2001:1::1/128, 2001:20::/28 …) is covered by it: those are anycast services, which mean the
 * instance nearest to this machine, and identifiers that no router carries.
 */
import { parseCidr } from '../net/cidr.ts';
import { rangesOf, type DualRanges } from '../net/ranges.ts';

export interface SpecialNet {
  readonly cidr: string;
  readonly name: string;
  /** Where it is defined. */
  readonly source: string;
}

/**
 * Not here on purpose: 64:ff9b::/96, the well-known NAT64 prefix (RFC 6052), which is globally reachable. Behind
 * NAT64 it is the whole IPv4 Internet; sent straight out, every IPv4 site would pass the proxy by.
 */
export const SPECIAL_NETS: readonly SpecialNet[] = [
  { cidr: '0.0.0.0/8', name: 'this network', source: 'RFC 791 §3.2' },
  { cidr: '10.0.0.0/8', name: 'private use', source: 'RFC 1918' },
  { cidr: '100.64.0.0/10', name: 'shared address space (carrier NAT)', source: 'RFC 6598' },
  { cidr: '127.0.0.0/8', name: 'loopback', source: 'RFC 1122 §3.2.1.3' },
  { cidr: '169.254.0.0/16', name: 'link local', source: 'RFC 3927' },
  { cidr: '172.16.0.0/12', name: 'private use', source: 'RFC 1918' },
  { cidr: '192.0.0.0/24', name: 'IETF protocol assignments', source: 'RFC 6890 §2.1' },
  { cidr: '192.0.2.0/24', name: 'documentation (TEST-NET-1)', source: 'RFC 5737' },
  // Reachability "N/A" in the registry: an anycast prefix, so whatever still answers is meant to be the nearest.
  { cidr: '192.88.99.0/24', name: '6to4 relay anycast, deprecated', source: 'RFC 7526' },
  { cidr: '192.168.0.0/16', name: 'private use', source: 'RFC 1918' },
  { cidr: '198.18.0.0/15', name: 'benchmarking', source: 'RFC 2544' },
  { cidr: '198.51.100.0/24', name: 'documentation (TEST-NET-2)', source: 'RFC 5737' },
  { cidr: '203.0.113.0/24', name: 'documentation (TEST-NET-3)', source: 'RFC 5737' },
  { cidr: '224.0.0.0/4', name: 'multicast', source: 'RFC 5771' },
  { cidr: '240.0.0.0/4', name: 'reserved', source: 'RFC 1112 §4' },
  { cidr: '255.255.255.255/32', name: 'limited broadcast', source: 'RFC 919 §7, RFC 8190' },

  { cidr: '::/128', name: 'unspecified address', source: 'RFC 4291 §2.5.2' },
  { cidr: '::1/128', name: 'loopback', source: 'RFC 4291 §2.5.3' },
  // Never on the wire; a socket of both families shows IPv4 peers so (see `unmapped` in net/address.ts).
  { cidr: '::ffff:0:0/96', name: 'IPv4-mapped', source: 'RFC 4291 §2.5.5.2' },
  { cidr: '64:ff9b:1::/48', name: 'IPv4/IPv6 translation, local use', source: 'RFC 8215' },
  { cidr: '100::/64', name: 'discard only', source: 'RFC 6666' },
  { cidr: '100:0:0:1::/64', name: 'dummy prefix', source: 'RFC 9780' },
  // Holds Teredo (2001::/32), reachable only through this machine's own tunnel.
  { cidr: '2001::/23', name: 'IETF protocol assignments', source: 'RFC 2928' },
  { cidr: '2001:db8::/32', name: 'documentation', source: 'RFC 3849' },
  // Reachability "N/A": through this machine's own tunnel.
  { cidr: '2002::/16', name: '6to4', source: 'RFC 3056' },
  { cidr: '3fff::/20', name: 'documentation', source: 'RFC 9637' },
  { cidr: '5f00::/16', name: 'segment routing (SRv6) SIDs', source: 'RFC 9602' },
  { cidr: 'fc00::/7', name: 'unique local', source: 'RFC 4193' },
  { cidr: 'fe80::/10', name: 'link local', source: 'RFC 4291 §2.5.6' },
  // Out of the registry since RFC 3879, in use all the same: QEMU's user-mode network gives its guests fec0::/64.
  { cidr: 'fec0::/10', name: 'site local, deprecated', source: 'RFC 3879' },
  { cidr: 'ff00::/8', name: 'multicast', source: 'RFC 4291 §2.7' },
];

/** The table's ranges, made anew at each call. */
export function specialRanges(): DualRanges {
  return rangesOf(SPECIAL_NETS.map(({ cidr }) => parseCidr(cidr)!));
}
