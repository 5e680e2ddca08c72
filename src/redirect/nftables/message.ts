/**
 * Messages to and from nf_tables: struct nlmsghdr (u32 length, u16 type, u16 flags, u32 sequence, u32 port id, host
 * order), struct nfgenmsg (u8 family, u8 version, be16 resource), attributes. A batch is one datagram of messages that
 * take effect all together or not at all.
 */
import { aligned, concat, readAttributes, readString, type Bytes } from './attribute.ts';
import {
  NFNL_MSG,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO,
  NFT_MSG,
  NLM_F,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGERR_ATTR,
} from './uapi.ts';

const NLMSGHDR = 16;
const NFGENMSG = 4;

/** A request, without what depends on its place in a conversation. */
export interface Message {
  /** What it is about, in words for an error: `set bypass4 elements 1..1600`. */
  readonly object: string;
  /** One of {@link NFT_MSG}. */
  readonly type: (typeof NFT_MSG)[keyof typeof NFT_MSG];
  /** {@link NLM_F} beyond REQUEST. */
  readonly flags: number;
  readonly attributes: readonly Bytes[];
}

/** One message alone, e.g. a GET; the kernel answers it. */
export function encodeRequest(message: Message, sequence: number): Bytes {
  return encodeMessage(message, sequence, NLM_F.ACK);
}

/**
 * One transaction. Message number i has sequence `sequence + 1 + i`, the batch as a whole `sequence`; the kernel
 * acknowledges the last message and reports each that fails.
 * @param commit false leaves out the end of the batch: the kernel checks everything, then undoes it (as `nft --check`)
 */
export function encodeBatch(messages: readonly Message[], sequence: number, commit: boolean): Bytes {
  const last = messages.length - 1;
  const parts = messages.map((message, i) =>
    encodeMessage(message, sequence + 1 + i, i === last ? NLM_F.ACK : 0),
  );
  const end = commit ? [delimiter(NFNL_MSG.BATCH_END, sequence + 1 + messages.length)] : [];
  return concat([delimiter(NFNL_MSG.BATCH_BEGIN, sequence), ...parts, ...end]);
}

function encodeMessage({ type, flags, attributes }: Message, sequence: number, extra: number): Bytes {
  return netfilterMessage(
    (NFNL_SUBSYS_NFTABLES << 8) | type,
    flags | extra,
    sequence,
    NFPROTO.INET,
    attributes,
  );
}

/**
 * A request to any part of netfilter.
 * @param type the part, one of NFNL_SUBSYS_…, times 256, and what it is asked to do
 * @param flags {@link NLM_F} beyond REQUEST
 * @param family one of {@link NFPROTO}
 */
export function netfilterMessage(
  type: number,
  flags: number,
  sequence: number,
  family: number,
  attributes: readonly Bytes[],
): Bytes {
  return sized(concat([headers(type, NLM_F.REQUEST | flags, sequence, family), ...attributes]));
}

function delimiter(type: number, sequence: number): Bytes {
  const message = headers(type, NLM_F.REQUEST, sequence, NFPROTO.UNSPEC);
  new DataView(message.buffer).setUint16(NLMSGHDR + 2, NFNL_SUBSYS_NFTABLES);
  return sized(message);
}

function headers(type: number, flags: number, sequence: number, family: number): Bytes {
  const bytes = new Uint8Array(NLMSGHDR + NFGENMSG);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  view.setUint8(NLMSGHDR, family);
  return bytes;
}

function sized(message: Bytes): Bytes {
  new DataView(message.buffer).setUint32(0, message.length, true);
  return message;
}

/** One message of an answer. */
export type Reply =
  /** The verdict on a request: errno 0 is an acknowledgement. */
  | {
      readonly kind: 'verdict';
      readonly sequence: number;
      readonly errno: number;
      /** What the kernel says about it, if it says something (NLMSGERR_ATTR_MSG). */
      readonly text: string | undefined;
      /** The attribute at fault, in bytes from the start of the request's nlmsghdr (NLMSGERR_ATTR_OFFS). */
      readonly offset: number | undefined;
    }
  | {
      readonly kind: 'object';
      readonly sequence: number;
      readonly attributes: ReadonlyMap<number, Uint8Array>;
    }
  /** There are no more objects, of a request for all of them. */
  | { readonly kind: 'end'; readonly sequence: number };

/** The messages of one datagram from the kernel. Ends quietly at the first that is cut short. */
export function readReplies(datagram: Uint8Array): Reply[] {
  const replies: Reply[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let at = 0; at + NLMSGHDR + NFGENMSG <= datagram.length;) {
    const length = view.getUint32(at, true);
    if (length < NLMSGHDR + NFGENMSG || at + length > datagram.length) break;
    const type = view.getUint16(at + 4, true);
    const flags = view.getUint16(at + 6, true);
    const sequence = view.getUint32(at + 8, true);
    const body = datagram.subarray(at + NLMSGHDR, at + length);
    if (type === NLMSG_ERROR) replies.push(readVerdict(body, flags, sequence));
    else if (type === NLMSG_DONE) replies.push({ kind: 'end', sequence });
    else replies.push({ kind: 'object', sequence, attributes: readAttributes(body.subarray(NFGENMSG)) });
    at += aligned(length);
  }
  return replies;
}

/** struct nlmsgerr: i32 negative errno, the request's nlmsghdr (capped to that by NETLINK_CAP_ACK), attributes. */
function readVerdict(body: Uint8Array, flags: number, sequence: number): Reply {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const details = flags & NLM_F.ACK_TLVS ? readAttributes(body.subarray(4 + NLMSGHDR)) : new Map();
  const offset: Uint8Array | undefined = details.get(NLMSGERR_ATTR.OFFS);
  return {
    kind: 'verdict',
    sequence,
    errno: 0 - view.getInt32(0, true),
    text: readString(details.get(NLMSGERR_ATTR.MSG)),
    // Unlike nf_tables' own numbers, this one is in host order.
    offset:
      offset?.length === 4 ? new DataView(offset.buffer, offset.byteOffset).getUint32(0, true) : undefined,
  };
}
