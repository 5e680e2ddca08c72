/**
 * What a plan means to ipset and iptables, as text that `ipset restore`, `iptables-restore --noflush` and
 * `ip6tables-restore --noflush` read. For process 123, as `iptables-save` shows it:
 *
 *     *nat
 *     -A OUTPUT -p udp -m udp --dport 53 -m comment --comment snet -j SNET-123
 *     -A OUTPUT -p tcp -m comment --comment snet -j SNET-123
 *     -A SNET-123 -m owner --gid-owner 7777 -m comment --comment snet -j RETURN
 *     -A SNET-123 -m addrtype --dst-type LOCAL -m comment --comment snet -j RETURN
 *     -A SNET-123 -p udp -m udp --dport 53 -m comment --comment snet -j REDIRECT --to-ports 1053
 *     -A SNET-123 -p tcp -m tcp --dport 53 -m comment --comment snet -j REDIRECT --to-ports 1053
 *     -A SNET-123 -m set --match-set snet4-123 dst -m comment --comment snet -j RETURN
 *     -A SNET-123 -p tcp -m comment --comment snet -j REDIRECT --to-ports 1111
 */
import { formatCidr, type Cidr } from '../../net/cidr.ts';
import { rangeCidrs } from '../../net/range_cidrs.ts';
import type { RangeSet } from '../../net/ranges.ts';
import type { RedirectPlan } from '../redirect.ts';
import { chainName, nextSetName, setName } from './names.ts';

const COMMENT = '-m comment --comment snet';

/** Families that a plan's rules are for. */
export function familiesOf({ ipv6 }: RedirectPlan): readonly (4 | 6)[] {
  return ipv6 ? [4, 6] : [4];
}

/** For `ipset restore`: makes and fills the sets that the rules look into. */
export function renderSets(plan: RedirectPlan, owner: number): string {
  return text(familiesOf(plan).flatMap((family) => filled(setName(family, owner), rangesOf(plan, family))));
}

/** The same for sets that nothing looks into yet. */
export function renderNextSets(plan: RedirectPlan, owner: number): string {
  return text(
    familiesOf(plan).flatMap((family) => filled(nextSetName(family, owner), rangesOf(plan, family))),
  );
}

/** For `ipset restore`: puts the next sets in the place of those in force, each at once, and drops the old ones. */
export function renderSwap(plan: RedirectPlan, owner: number): string {
  const pairs = familiesOf(plan).map(
    (family) => [nextSetName(family, owner), setName(family, owner)] as const,
  );
  return text([
    ...pairs.map(([next, inForce]) => `swap ${next} ${inForce}`),
    ...pairs.map(([next]) => `destroy ${next}`),
  ]);
}

/** For `iptables-restore --noflush` or its IPv6 sister: all rules of one family, in one transaction. */
export function renderRules({ port, dns, gid }: RedirectPlan, family: 4 | 6, owner: number): string {
  const bypassed = `-m set --match-set ${setName(family, owner)} dst ${COMMENT} -j RETURN`;
  // A socket to a link-local address is bound to its interface, from which there is no way to loopback.
  const linkLocal = dns !== undefined && family === 6 ? [`-d fe80::/10 ${COMMENT} -j RETURN`] : [];
  return rules({ port, dns, gid }, { beforeDns: linkLocal, behindDns: [bypassed] }, owner);
}

/** As {@link renderRules}, without the set, which would have to be there even for a rehearsal. */
export function renderRehearsal(owner: number): string {
  return rules({ port: 1, dns: 1, gid: 0 }, { beforeDns: [], behindDns: [] }, owner);
}

const DNS_OVER_UDP = '-p udp -m udp --dport 53';
const DNS_OVER_TCP = '-p tcp -m tcp --dport 53';

function rules(
  { port, dns, gid }: Pick<RedirectPlan, 'port' | 'dns' | 'gid'>,
  returns: { readonly beforeDns: readonly string[]; readonly behindDns: readonly string[] },
  owner: number,
): string {
  const chain = chainName(owner);
  // DNS before the ranges: the resolver that a machine was given is mostly its router, in a private net.
  const caught = dns === undefined ? [] : [DNS_OVER_UDP, DNS_OVER_TCP];
  const bodies = [
    `-m owner --gid-owner ${gid} ${COMMENT} -j RETURN`,
    `-m addrtype --dst-type LOCAL ${COMMENT} -j RETURN`,
    ...returns.beforeDns,
    ...caught.map((match) => `${match} ${COMMENT} -j REDIRECT --to-ports ${dns}`),
    ...returns.behindDns,
    `-p tcp ${COMMENT} -j REDIRECT --to-ports ${port}`,
  ];
  const ways = ['-p tcp', ...(dns === undefined ? [] : [DNS_OVER_UDP])];
  return text([
    '*nat',
    `:${chain} - [0:0]`,
    ...bodies.map((body) => `-A ${chain} ${body}`),
    // In front of other people's rules: what those decide for all connections, ours must not miss.
    ...ways.map((match) => `-I OUTPUT ${match} ${COMMENT} -j ${chain}`),
    'COMMIT',
  ]);
}

function rangesOf({ bypass }: RedirectPlan, family: 4 | 6): RangeSet {
  return family === 4 ? bypass.v4 : bypass.v6;
}

/** ipset's own limit if none is given; a set that has to hold more must say so. */
const DEFAULT_MAXELEM = 65_536;
/** Buckets; ipset's own default. A power of two near the number of entries spares the kernel growing the table as it fills. */
const DEFAULT_HASHSIZE = 1024;

function filled(name: string, ranges: RangeSet): string[] {
  const blocks = Array.from(rangeCidrs(ranges)).flatMap(halvesOfAll);
  const hashsize = Math.max(DEFAULT_HASHSIZE, 2 ** Math.ceil(Math.log2(blocks.length || 1)));
  const maxelem = Math.max(DEFAULT_MAXELEM, blocks.length);
  const family = ranges.family === 4 ? 'inet' : 'inet6';
  return [
    `create ${name} hash:net family ${family} hashsize ${hashsize} maxelem ${maxelem}`,
    ...blocks.map((block) => `add ${name} ${formatCidr(block)}`),
  ];
}

/** hash:net has no block of prefix 0 (ipset(8)): two of prefix 1 are the same. */
function halvesOfAll(block: Cidr): Cidr[] {
  if (block.prefix !== 0) return [block];
  const { address } = block;
  const upper = address.bytes.slice();
  upper[0] = 0x80;
  return [
    { address, prefix: 1 },
    { address: { ...address, bytes: upper }, prefix: 1 },
  ];
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
