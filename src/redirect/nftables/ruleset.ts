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
 *         ip6 daddr fe80::/10 udp dport 53 counter dnat ip6 to ip6 saddr:1054
 *         ip6 daddr fe80::/10 tcp dport 53 counter dnat ip6 to ip6 saddr:1054
 *         udp dport 53 counter redirect to :1053
 *         tcp dport 53 counter redirect to :1053
 *         ip daddr @bypass4 counter return
 *         ip6 daddr @bypass6 counter return
 *         meta l4proto tcp counter redirect to :1111
 *       }
 *       chain input {
 *         type filter hook input priority filter; policy accept;
 *         iif != lo udp dport 1054 counter drop
 *         iif != lo tcp dport 1054 counter drop
 *       }
 *     }
 *
 * DNS is caught before the ranges: the resolver that a machine was given is mostly its router, in a private net. That router
 * may be known by its link-local address. What is sent there can't be redirected to loopback: its socket is bound to the
 * interface (ip6_datagram_connect), on which there is no way to ::1, and from ::1 there is none back to its own link-local
 * address. So it is sent to that one, and we listen on all addresses there, where nobody from outside may come.
 *
 * A further set that rules look into (answers of DNS, with NFT_SET_TIMEOUT and a timeout an element) belongs beside
 * {@link bypassSets}: a set, and a `return` rule before the redirect. {@link replaceRanges} leaves all but the two
 * sets as they are, so such a set keeps its elements when the ranges change.
 */
import type { RedirectPlan } from '../redirect.ts';
import {
  comesFromOutside,
  counter,
  destinationIn,
  destinationIsLinkLocal,
  destinationIsLocal,
  destinationPortIs,
  drop,
  l4protoIs,
  leave,
  leavesByLoopback,
  nfprotoIs,
  redirectTo,
  sendBackTo,
  socketGroupIs,
  type Expression,
} from './expression.ts';
import { intervalBlocks } from './intervals.ts';
import type { Message } from './message.ts';
import {
  addElements,
  flushSet,
  newFilterInputChain,
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
const INPUT_CHAIN = 'input';

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
    ...inputChain(plan, table),
  ];
}

const DNS_PORT = 53;
/** Over what there is DNS, and what it is called. */
const DNS_TRANSPORTS = [
  [IPPROTO_UDP, 'UDP'],
  [IPPROTO_TCP, 'TCP'],
] as const;

function dnsRules(
  plan: RedirectPlan,
  rule: (comment: string, ...parts: Expression[][]) => Message,
): Message[] {
  const { dns, linkLocalDns } = plan;
  if (dns === undefined) return [];
  const isLinkLocal = [...nfprotoIs(NFPROTO.IPV6), ...destinationIsLinkLocal()];
  const leftAlone = [rule('resolvers of this link', isLinkLocal, counter(), leave())];
  const sentBack = (port: number) =>
    DNS_TRANSPORTS.map(([protocol, name]) =>
      rule(
        `DNS over ${name} to resolvers of this link goes to snet, by its interface`,
        isLinkLocal,
        l4protoIs(protocol),
        destinationPortIs(DNS_PORT),
        counter(),
        sendBackTo(port),
      ),
    );
  const caught = DNS_TRANSPORTS.map(([protocol, name]) =>
    rule(
      `DNS over ${name} goes to snet, whomever it asks`,
      anyFamilyOf(plan),
      l4protoIs(protocol),
      destinationPortIs(DNS_PORT),
      counter(),
      redirectTo(dns),
    ),
  );
  if (!plan.ipv6) return caught;
  return [...(linkLocalDns === undefined ? leftAlone : sentBack(linkLocalDns)), ...caught];
}

/** Keeps other machines from where we listen on all addresses. */
function inputChain({ dns, linkLocalDns, ipv6 }: RedirectPlan, table: string): Message[] {
  if (dns === undefined || linkLocalDns === undefined || !ipv6) return [];
  const rules = DNS_TRANSPORTS.map(([protocol, name]) =>
    newRule(
      table,
      INPUT_CHAIN,
      `DNS over ${name} from other machines`,
      [comesFromOutside(), l4protoIs(protocol), destinationPortIs(linkLocalDns), counter(), drop()].flat(),
    ),
  );
  return [newFilterInputChain(table, INPUT_CHAIN), ...rules];
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
