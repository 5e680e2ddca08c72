/**
 * What connection tracking keeps of a flow, in the kernel's words (linux/netfilter/nfnetlink_conntrack.h). Numbers are in
 * network order.
 */
import type { Endpoint } from '../../net/address.ts';
import { attribute, nested, readAttributes, type Bytes } from '../nftables/attribute.ts';
import { netfilterMessage } from '../nftables/message.ts';
import { NFPROTO, NLM_F } from '../nftables/uapi.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT = { GET: 1, DELETE: 2 } as const;
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18 } as const;
const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
const CTA_IP = { SRC: { v4: 1, v6: 3 }, DST: { v4: 2, v6: 4 } } as const;
const CTA_PROTO = { NUM: 1, SRC: 2, DST: 3 } as const;

/** A flow of a protocol that has ports. */
export interface Tracked {
  /** An IPPROTO number. */
  readonly protocol: number;
  /** Where it was sent. */
  readonly destination: Endpoint;
  /** Where it goes: who sends the answers. */
  readonly goesTo: Endpoint;
  /** What tells the kernel which one it is. */
  readonly identity: readonly Bytes[];
}

/** Asks for all of them. */
export function listTracked(sequence: number): Bytes {
  return netfilterMessage(type(IPCTNL_MSG_CT.GET), NLM_F.DUMP, sequence, NFPROTO.UNSPEC, []);
}

/** Has one forgotten: its next packet is a first one, for which rules are looked at. */
export function forgetTracked({ destination, identity }: Tracked, sequence: number): Bytes {
  const family = destination.address.family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
  return netfilterMessage(type(IPCTNL_MSG_CT.DELETE), NLM_F.ACK, sequence, family, identity);
}

/** Reads one; undefined for those of protocols without ports. Keeps none of the bytes. */
export function readTracked(attributes: ReadonlyMap<number, Uint8Array>): Tracked | undefined {
  const original = attributes.get(CTA.TUPLE_ORIG) ?? NOTHING;
  const [protocol, destination] = readTuple(original, 'DST');
  const [, goesTo] = readTuple(attributes.get(CTA.TUPLE_REPLY) ?? NOTHING, 'SRC');
  if (protocol === undefined || !destination || !goesTo) return undefined;
  const others = [CTA.ID, CTA.ZONE].flatMap((which) => {
    const value = attributes.get(which);
    return value ? [attribute(which, value)] : [];
  });
  // Never without the tuple: the kernel would take all flows to be meant.
  return { protocol, destination, goesTo, identity: [nested(CTA.TUPLE_ORIG, original), ...others] };
}

/** The protocol of one direction, and one of its ends. */
function readTuple(bytes: Uint8Array, end: 'SRC' | 'DST'): [number | undefined, Endpoint | undefined] {
  const tuple = readAttributes(bytes);
  const ip = readAttributes(tuple.get(CTA_TUPLE.IP) ?? NOTHING);
  const transport = readAttributes(tuple.get(CTA_TUPLE.PROTO) ?? NOTHING);
  const address = ip.get(CTA_IP[end].v4) ?? ip.get(CTA_IP[end].v6);
  const port = transport.get(CTA_PROTO[end]);
  if ((address?.length !== 4 && address?.length !== 16) || port?.length !== 2) return [undefined, undefined];
  const family = address.length === 4 ? 4 : 6;
  return [
    transport.get(CTA_PROTO.NUM)?.[0],
    { address: { family, bytes: address.slice() }, port: (port[0]! << 8) | port[1]! },
  ];
}

const NOTHING = new Uint8Array(0);

function type(what: number): number {
  return (NFNL_SUBSYS_CTNETLINK << 8) | what;
}
