/**
 * Expressions, the instructions of a rule: each is a name and attributes. They pass values to each other in
 * register 1; a comparison or lookup that fails ends the rule. The order of attributes is that of libnftnl.
 */
import { attribute, nested, string, u32, type Bytes } from './attribute.ts';
import {
  LOOPBACK_IFINDEX,
  NF_DROP,
  NF_NAT_RANGE_PROTO_SPECIFIED,
  NFPROTO,
  NFT_CMP,
  NFT_FIB_RESULT_ADDRTYPE,
  NFT_META,
  NFT_NAT_DNAT,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
  NFT_REG,
  NFT_RETURN,
  NFTA_BITWISE,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_FIB,
  NFTA_FIB_F_DADDR,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP,
  NFTA_META,
  NFTA_NAT,
  NFTA_PAYLOAD,
  NFTA_REDIR,
  NFTA_VERDICT_CODE,
  RTN_LOCAL,
} from './uapi.ts';

/** One or more expressions, encoded. */
export type Expression = Bytes;

/** `meta skgid GID`: the socket was made by a process of this group. */
export function socketGroupIs(gid: number): Expression[] {
  return [meta(NFT_META.SKGID), isEqual(hostU32(gid))];
}

/** `meta nfproto`: {@link NFPROTO}.IPV4 or IPV6. In an `inet` chain it must stand before any look at the header. */
export function nfprotoIs(nfproto: number): Expression[] {
  return [meta(NFT_META.NFPROTO), isEqual(Uint8Array.of(nfproto))];
}

/** `meta l4proto`: an IPPROTO number. */
export function l4protoIs(protocol: number): Expression[] {
  return [meta(NFT_META.L4PROTO), isEqual(Uint8Array.of(protocol))];
}

/** `fib daddr type local`: the destination is an address of this machine, by its routing tables. */
export function destinationIsLocal(): Expression[] {
  const type = expression(
    'fib',
    u32(NFTA_FIB.FLAGS, NFTA_FIB_F_DADDR),
    u32(NFTA_FIB.RESULT, NFT_FIB_RESULT_ADDRTYPE),
    u32(NFTA_FIB.DREG, NFT_REG.REG_1),
  );
  return [type, isEqual(hostU32(RTN_LOCAL))];
}

/** `oif lo`: on its way out, a packet to an address of this machine is routed to the loopback device. */
export function leavesByLoopback(): Expression[] {
  return [meta(NFT_META.OIF), isEqual(hostU32(LOOPBACK_IFINDEX))];
}

/** `iif != lo`: it comes from another machine. */
export function comesFromOutside(): Expression[] {
  return [meta(NFT_META.IIF), compared(NFT_CMP.NEQ, hostU32(LOOPBACK_IFINDEX))];
}

/** `ip daddr @SET` or `ip6 daddr @SET`; stands behind {@link nfprotoIs}. `setId` as given to the set in this batch. */
export function destinationIn(family: 4 | 6, set: string, setId: number): Expression[] {
  return [
    destination(family),
    expression(
      'lookup',
      u32(NFTA_LOOKUP.SREG, NFT_REG.REG_1),
      string(NFTA_LOOKUP.SET, set),
      u32(NFTA_LOOKUP.SET_ID, setId),
    ),
  ];
}

/** `ip6 daddr fe80::/10`: link-local unicast (RFC 4291 §2.5.6); stands behind {@link nfprotoIs}. */
export function destinationIsLinkLocal(): Expression[] {
  const block = Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14));
  const mask = Uint8Array.of(0xff, 0xc0, ...new Uint8Array(14));
  return [destination(6), masked(mask), isEqual(block)];
}

/** `udp dport PORT` or `tcp dport PORT`; stands behind {@link l4protoIs}. */
export function destinationPortIs(port: number): Expression[] {
  // RFC 768 and RFC 9293 §3.1: both have it in the same place.
  return [payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2), isEqual(networkU16(port))];
}

/** `counter`: how many packets (in a nat chain: connections) came this far. */
export function counter(): Expression[] {
  return [expression('counter')];
}

/** `return`: leave the chain, that is, take its policy. */
export function leave(): Expression[] {
  return [verdict(NFT_RETURN)];
}

/** `drop`. */
export function drop(): Expression[] {
  return [verdict(NF_DROP)];
}

/** `redirect to :PORT`: to 127.0.0.1 or ::1, on the way out. Only in a nat chain, behind {@link l4protoIs}. */
export function redirectTo(port: number): Expression[] {
  return [
    immediate(NFT_REG.REG_1, attribute(NFTA_DATA.VALUE, networkU16(port))),
    expression(
      'redir',
      u32(NFTA_REDIR.REG_PROTO_MIN, NFT_REG.REG_1),
      u32(NFTA_REDIR.FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED),
    ),
  ];
}

/**
 * `dnat ip6 to ip6 saddr:PORT`: to the address that it comes from, so that it stays on its interface, which a socket may be
 * bound to. Only in a nat chain, behind {@link l4protoIs}.
 */
export function sendBackTo(port: number): Expression[] {
  return [
    source6(),
    immediate(NFT_REG.REG_2, attribute(NFTA_DATA.VALUE, networkU16(port))),
    expression(
      'nat',
      u32(NFTA_NAT.TYPE, NFT_NAT_DNAT),
      u32(NFTA_NAT.FAMILY, NFPROTO.IPV6),
      u32(NFTA_NAT.REG_ADDR_MIN, NFT_REG.REG_1),
      u32(NFTA_NAT.REG_PROTO_MIN, NFT_REG.REG_2),
      u32(NFTA_NAT.FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED),
    ),
  ];
}

function expression(name: string, ...attributes: readonly Bytes[]): Expression {
  return nested(NFTA_LIST_ELEM, string(NFTA_EXPR.NAME, name), nested(NFTA_EXPR.DATA, ...attributes));
}

function meta(key: number): Expression {
  return expression('meta', u32(NFTA_META.KEY, key), u32(NFTA_META.DREG, NFT_REG.REG_1));
}

function destination(family: 4 | 6): Expression {
  // RFC 791 §3.1 and RFC 8200 §3: where it stands in the header.
  const [offset, length] = family === 4 ? [16, 4] : [24, 16];
  return payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length);
}

function source6(): Expression {
  return payload(NFT_PAYLOAD_NETWORK_HEADER, 8, 16);
}

/** Bytes of the packet, as they stand in it. */
function payload(base: number, offset: number, length: number): Expression {
  return expression(
    'payload',
    u32(NFTA_PAYLOAD.DREG, NFT_REG.REG_1),
    u32(NFTA_PAYLOAD.BASE, base),
    u32(NFTA_PAYLOAD.OFFSET, offset),
    u32(NFTA_PAYLOAD.LEN, length),
  );
}

/** Clears the bits of the register that the mask doesn't have. */
function masked(mask: Uint8Array): Expression {
  return expression(
    'bitwise',
    u32(NFTA_BITWISE.SREG, NFT_REG.REG_1),
    u32(NFTA_BITWISE.DREG, NFT_REG.REG_1),
    u32(NFTA_BITWISE.LEN, mask.length),
    nested(NFTA_BITWISE.MASK, attribute(NFTA_DATA.VALUE, mask)),
    nested(NFTA_BITWISE.XOR, attribute(NFTA_DATA.VALUE, new Uint8Array(mask.length))),
  );
}

function isEqual(value: Uint8Array): Expression {
  return compared(NFT_CMP.EQ, value);
}

function compared(operator: number, value: Uint8Array): Expression {
  return expression(
    'cmp',
    u32(NFTA_CMP.SREG, NFT_REG.REG_1),
    u32(NFTA_CMP.OP, operator),
    nested(NFTA_CMP.DATA, attribute(NFTA_DATA.VALUE, value)),
  );
}

function verdict(code: number): Expression {
  return immediate(NFT_REG.VERDICT, nested(NFTA_DATA.VERDICT, u32(NFTA_VERDICT_CODE, code)));
}

function immediate(register: number, data: Bytes): Expression {
  return expression('immediate', u32(NFTA_IMMEDIATE.DREG, register), nested(NFTA_IMMEDIATE.DATA, data));
}

function networkU16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 0xff);
}

/** As the kernel holds the value in a register: in host order, see attribute.ts. */
function hostU32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
