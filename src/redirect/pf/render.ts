/**
 * What a plan means to pf, as text that `pfctl -a com.apple/snet -f -` reads; pfctl refuses all of it for one bad line.
 *
 * `rdr` acts only on what comes in. So what a program of this machine sends is first turned round, by `route-to`, to leave on
 * lo0; there it comes in, and `rdr` gives it to our listener. With DNS, and IPv6 that works:
 *
 *     table <snet_own> persist file "/var/run/snet/pf-own.txt"
 *     table <snet_bypass> persist file "/var/run/snet/pf-bypass.txt"
 *     no rdr on lo0 inet proto { tcp udp } from any to 127.0.0.0/8
 *     no rdr on lo0 inet proto { tcp udp } from any to <snet_own>
 *     rdr pass on lo0 inet proto udp from any to any port 53 -> 127.0.0.1 port 1053
 *     rdr pass on lo0 inet proto tcp from any to any port 53 -> 127.0.0.1 port 1053
 *     no rdr on lo0 inet proto tcp from any to <snet_bypass>
 *     rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
 *     no rdr on lo0 inet6 … (the same six to ::1)
 *     pass out quick proto { tcp udp } from any to any group 7777
 *     pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto udp from any to any port 53 user >= 0 keep state
 *     pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to any port 53 user >= 0 flags S/SA keep state
 *     pass out quick on ! lo0 route-to (lo0 ::1) inet6 … (the same two)
 *     pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
 *     pass out quick on ! lo0 route-to (lo0 ::1) inet6 proto tcp from any to ! <snet_bypass> user >= 0 flags S/SA keep state
 *
 * What goes straight out no rule speaks of: it is treated as if we were not there. A rule that passes it would come before those of
 * a firewall of the user's, which has its answers in by the state that its own rule keeps; and keeping state here would fill
 * the kernel's table, which has room for 10,000, with what doesn't concern us.
 *
 * No interface but lo0 and no address of this machine stands in it: it stays true when the network changes. Tables come
 * first, then translation, then filter rules; any other order is a syntax error, as is a last line without its end.
 */
import { formatAddress, type Address } from '../../net/address.ts';
import { formatCidr } from '../../net/cidr.ts';
import { rangeCidrs } from '../../net/range_cidrs.ts';
import type { DualRanges } from '../../net/ranges.ts';
import type { RedirectPlan } from '../redirect.ts';
import { BYPASS_TABLE, OWN_TABLE, type PfFiles } from './names.ts';

/** What becomes of IPv6: `none`, no rule speaks of it; `block`, new connections are refused, so that programs take IPv4. */
export type Ipv6Treatment = 'redirect' | 'block' | 'direct' | 'none';

interface Family {
  readonly name: 'inet' | 'inet6';
  readonly loopback: string;
  readonly loopbackNet: string;
  /** Resolvers whose port 53 is ours. */
  readonly resolvers: string;
}

const LINK_LOCAL = 'fe80::/10';

const V4: Family = {
  name: 'inet',
  loopback: '127.0.0.1',
  loopbackNet: '127.0.0.0/8',
  resolvers: 'any',
};
const V6: Family = {
  name: 'inet6',
  loopback: '::1',
  loopbackNet: '::1',
  // A packet to a link-local address belongs to its interface, from which there is no way to loopback.
  resolvers: `! ${LINK_LOCAL}`,
};

/** Where names are ours, and IPv6 is not left alone. */
export function canRefuseLinkLocalDns({ dns }: Pick<RedirectPlan, 'dns'>, ipv6: Ipv6Treatment): boolean {
  return dns !== undefined && (ipv6 === 'redirect' || ipv6 === 'block');
}

/** Destinations that don't go straight out. */
const ABROAD = `! <${BYPASS_TABLE}>`;

/**
 * For `pfctl -a … -f -`: tables and rules, in one transaction.
 * @param refusesLinkLocalDns what is asked of resolvers with link-local addresses; only where {@link canRefuseLinkLocalDns}
 */
export function renderRuleset(
  { port, dns, gid }: Pick<RedirectPlan, 'port' | 'dns' | 'gid'>,
  ipv6: Ipv6Treatment,
  files: Pick<PfFiles, 'own' | 'bypass'>,
  refusesLinkLocalDns = false,
): string {
  const redirected = ipv6 === 'redirect' ? [V4, V6] : [V4];
  const withDns = dns === undefined ? [] : redirected;
  return text([
    `table <${OWN_TABLE}> persist file "${files.own}"`,
    `table <${BYPASS_TABLE}> persist file "${files.bypass}"`,
    ...redirected.flatMap((family) => translation(family, port, dns)),
    // By number: a name would have to be in the directory of groups. pf looks at the group that made the socket.
    `pass out quick proto { tcp udp } from any to any group ${gid}`,
    // Before what is bypassed: the resolver that a machine was given is mostly its router, in a private net.
    ...withDns.flatMap((family) => [
      turned(family, `udp from any to ${family.resolvers} port 53`, 'keep state'),
      turned(family, `tcp from any to ${family.resolvers} port 53`, NEW_ONLY_KEPT),
    ]),
    ...(ipv6 === 'block' && dns !== undefined ? blockDns(V6.resolvers) : []),
    ...(refusesLinkLocalDns ? blockDns(LINK_LOCAL) : []),
    ...redirected.map((family) => turned(family, `tcp from any to ${ABROAD}`, NEW_ONLY_KEPT)),
    ...(ipv6 === 'block' ? BLOCK_TCP : []),
  ]);
}

/**
 * Only what opens a connection: those that are open already go on as they began. The state must be kept: by it what
 * our listener answers finds its way back, which would else be caught on lo0 once more.
 */
const NEW_ONLY_KEPT = 'flags S/SA keep state';

/**
 * Only what a socket of this machine sends, whosesoever it is. What is passed on for others (virtual machines, Internet Sharing)
 * has no user: no comparison but `=` and `!=` is ever true of it (pf_match_uid() in xnu's bsd/net/pf.c). Turned round, it would
 * come from lo0 with an address that isn't ours, and its answers would not find back.
 */
const OF_THIS_MACHINE = 'user >= 0';

function turned({ name, loopback }: Family, match: string, rest: string): string {
  return `pass out quick on ! lo0 route-to (lo0 ${loopback}) ${name} proto ${match} ${OF_THIS_MACHINE} ${rest}`;
}

/** The first that matches decides. */
function translation(
  { name, loopback, loopbackNet }: Family,
  port: number,
  dns: number | undefined,
): string[] {
  return [
    // xnu tries rdr rules the wrong way round too, on what leaves: without this, what is said on loopback could match.
    `no rdr on lo0 ${name} proto { tcp udp } from any to ${loopbackNet}`,
    // What the machine says to itself by its other addresses also goes over lo0; caught, it would come back to us for ever.
    `no rdr on lo0 ${name} proto { tcp udp } from any to <${OWN_TABLE}>`,
    ...(dns === undefined
      ? []
      : ['udp', 'tcp'].map(
          (proto) =>
            `rdr pass on lo0 ${name} proto ${proto} from any to any port 53 -> ${loopback} port ${dns}`,
        )),
    `no rdr on lo0 ${name} proto tcp from any to <${BYPASS_TABLE}>`,
    `rdr pass on lo0 ${name} proto tcp from any to any -> ${loopback} port ${port}`,
  ];
}

/**
 * `return`: a reset, or an ICMP message, so that programs take IPv4 at once. Like everything here only what is new: our
 * own connections that are older than the rules have no state, and only the first packet of one is told by its group.
 *
 * Of UDP only DNS, where it is ours, since names that are asked past us would be answered for the wrong side. The rest, QUIC
 * among it, goes as it does over IPv4: no rule of ours speaks of it.
 */
const BLOCK_TCP = [
  `block return out quick on ! lo0 inet6 proto tcp from any to ${ABROAD} ${OF_THIS_MACHINE} flags S/SA`,
];

/** Who sends gets EHOSTUNREACH at once; mDNSResponder then asks the next resolver (uDNS_CheckCurrentQuestion() in its uDNS.c). */
function blockDns(resolvers: string): string[] {
  return [
    `block return out quick on ! lo0 inet6 proto udp from any to ${resolvers} port 53 ${OF_THIS_MACHINE}`,
    `block return out quick on ! lo0 inet6 proto tcp from any to ${resolvers} port 53 ${OF_THIS_MACHINE} flags S/SA`,
  ];
}

/**
 * For a table's file: what goes straight out.
 * @param caught addresses that are not bypassed even if they lie in a range that is; the longest match decides
 */
export function renderBypass(
  { v4, v6 }: DualRanges,
  ipv6: Ipv6Treatment,
  caught: readonly Address[],
): string {
  const families = ipv6 === 'none' ? [v4] : [v4, v6];
  return text([
    ...families.flatMap((ranges) => Array.from(rangeCidrs(ranges), formatCidr)),
    ...caught.map((address) => `!${formatAddress(address)}`),
  ]);
}

/**
 * For a table's file: addresses of this machine, in the order of their text. pf has `(self)` for that, but in xnu it is empty
 * (pfi_table_update() in bsd/net/pf_if.c asks one interface, and "ALL" is none), and leaves out IPv6's temporary addresses
 * even where it works.
 */
export function renderOwn(addresses: readonly Address[]): string {
  return text(addresses.map(formatAddress).toSorted());
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
