/**
 * What a plan means in nf_tables, as `nft list ruleset` shows it:
 *
 *     table inet snet { # progname snet
 *       flags owner
 *       set bypass4 { type ipv4_addr; flags interval; elements = { … } }
 *       set bypass6 { type ipv6_addr; flags interval; elements = { … } }
 *       chain output {
 *         type nat hook output priority dstnat; policy accept;
 *         meta skgid 7777 counter return
 *         fib daddr type local counter return
 *         ip6 daddr fe80::/10 counter return
 *         udp dport 53 counter redirect to :1053
 *         tcp dport 53 counter redirect to :1053
 *         ip daddr @bypass4 counter return
 *         ip6 daddr @bypass6 counter return
 *         meta l4proto tcp counter redirect to :1111
 *       }
 *     }
 *
 * DNS is caught before the ranges: the resolver that a machine was given is mostly its router, in a private net. Not one
 * with a link-local address: a socket that talks to such is bound to its device, and loopback can't be reached from there.
 *
 * A further set that rules look into (answers of DNS, with NFT_SET_TIMEOUT and a timeout an element) belongs beside
 * {@link bypassSets}: a set, and a `return` rule before the redirect. {@link replaceRanges} leaves all but the two
 * sets as they are, so such a set keeps its elements when the ranges change.
 */
import type { RedirectPlan } from '../redirect.ts';
import {
  counter,
  destinationIn,
  destinationIsLinkLocal,
  destinationIsLocal,
  destinationPortIs,
  l4protoIs,
  leave,
  leavesByLoopback,
  nfprotoIs,
  redirectTo,
  socketGroupIs,
  type Expression,
} from './expression.ts';
import { intervalBlocks } from './intervals.ts';
import type { Message } from './message.ts';
import {
  addElements,
  flushSet,
  newIntervalSet,
  newNatOutputChain,
  newOwnedTable,
  newRule,
  type AddressSet,
} from './object.ts';
import { IPPROTO_TCP, IPPROTO_UDP, NFPROTO } from './uapi.ts';

/** Our table, of family inet. */
export const TABLE = 'snet';
const CHAIN = 'output';

/**
 * How the kernel is asked whether a destination is this machine: `fib` looks into its routing tables, but is a module
 * of its own that small kernels lack; `oif` tells by the device that the routing has chosen already.
 */
export const LOCALITY = ['fib', 'oif'] as const;
export type Locality = (typeof LOCALITY)[number];

/** All of the plan, for a table that is not there yet. */
export function ruleset(plan: RedirectPlan, locality: Locality, table: string = TABLE): Message[] {
  const rule = (comment: string, ...expressions: Expression[][]) =>
    newRule(table, CHAIN, comment, expressions.flat());
  const sets = bypassSets(plan, table);
  return [
    newOwnedTable(table, 'rules of the running snet; gone when it ends'),
    ...sets.map(newIntervalSet),
    ...sets.flatMap((set) => fill(set, plan)),
    newNatOutputChain(table, CHAIN),
    rule("snet's own sockets", socketGroupIs(plan.gid), counter(), leave()),
    rule(
      "this machine's own addresses",
      locality === 'fib' ? destinationIsLocal() : leavesByLoopback(),
      counter(),
      leave(),
    ),
    ...dnsRules(plan, rule),
    ...sets.map(({ family, name, id }) =>
      rule(
        `IPv${family} that goes straight out`,
        nfprotoIs(family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6),
        destinationIn(family, name, id),
        counter(),
        leave(),
      ),
    ),
    rule(
      'all else goes to snet',
      anyFamilyOf(plan),
      l4protoIs(IPPROTO_TCP),
      counter(),
      redirectTo(plan.port),
    ),
  ];
}

const DNS_PORT = 53;

function dnsRules(
  plan: RedirectPlan,
  rule: (comment: string, ...parts: Expression[][]) => Message,
): Message[] {
  const { dns } = plan;
  if (dns === undefined) return [];
  const linkLocal = rule(
    "resolvers of this link: what is bound to a device can't be redirected",
    nfprotoIs(NFPROTO.IPV6),
    destinationIsLinkLocal(),
    counter(),
    leave(),
  );
  const caught = [IPPROTO_UDP, IPPROTO_TCP].map((protocol) =>
    rule(
      `DNS over ${protocol === IPPROTO_UDP ? 'UDP' : 'TCP'} goes to snet, whomever it asks`,
      anyFamilyOf(plan),
      l4protoIs(protocol),
      destinationPortIs(DNS_PORT),
      counter(),
      redirectTo(dns),
    ),
  );
  return plan.ipv6 ? [linkLocal, ...caught] : caught;
}

function anyFamilyOf({ ipv6 }: RedirectPlan): Expression[] {
  return ipv6 ? [] : nfprotoIs(NFPROTO.IPV4);
}

/** New ranges in the sets of a table that `ruleset` made of a plan with the same `ipv6`. */
export function replaceRanges(plan: RedirectPlan, table: string = TABLE): Message[] {
  return bypassSets(plan, table).flatMap((set) => [flushSet(set), ...fill(set, plan)]);
}

function bypassSets({ ipv6 }: RedirectPlan, table: string): AddressSet[] {
  const v4: AddressSet = { table, name: 'bypass4', id: 1, family: 4 };
  const v6: AddressSet = { table, name: 'bypass6', id: 2, family: 6 };
  return ipv6 ? [v4, v6] : [v4];
}

function fill(set: AddressSet, { bypass }: RedirectPlan): Message[] {
  const ranges = set.family === 4 ? bypass.v4 : bypass.v6;
  return Array.from(intervalBlocks(ranges), (block) => addElements(set, block));
}
