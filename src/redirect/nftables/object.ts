/** Messages about the objects of nf_tables, all of family `inet`: tables, sets, chains, rules. */
import { attribute, concat, nested, nulTerminated, string, u32, type Bytes } from './attribute.ts';
import type { Expression } from './expression.ts';
import type { IntervalBlock } from './intervals.ts';
import type { Message } from './message.ts';
import {
  NF_ACCEPT,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_IP_PRI_FILTER,
  NF_IP_PRI_NAT_DST,
  NFT_BYTEORDER_BIG_ENDIAN,
  NFT_MSG,
  NFT_SET_INTERVAL,
  NFT_TABLE_F_OWNER,
  NFT_TYPE,
  NFTA_CHAIN,
  NFTA_HOOK,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM_LIST,
  NFTA_TABLE,
  NFTNL_UDATA,
  NLM_F,
} from './uapi.ts';

/** A set of addresses, as its users within a batch know it. */
export interface AddressSet {
  readonly table: string;
  readonly name: string;
  /** Any number that is unique in the batch. */
  readonly id: number;
  readonly family: 4 | 6;
}

/** A table that lives as long as the socket that sends this, and that nobody else can change. It must not exist yet. */
export function newOwnedTable(name: string, comment: string): Message {
  return {
    object: `table inet ${name}`,
    type: NFT_MSG.NEWTABLE,
    flags: NLM_F.EXCL,
    attributes: [
      string(NFTA_TABLE.NAME, name),
      u32(NFTA_TABLE.FLAGS, NFT_TABLE_F_OWNER),
      attribute(NFTA_TABLE.USERDATA, udata(NFTNL_UDATA.TABLE_COMMENT, nulTerminated(comment))),
    ],
  };
}

/** Asks for a table's attributes. */
export function getTable(name: string): Message {
  return tableMessage(NFT_MSG.GETTABLE, name);
}

/** Takes a table out, with all that is in it. */
export function deleteTable(name: string): Message {
  return tableMessage(NFT_MSG.DELTABLE, name);
}

function tableMessage(type: Message['type'], name: string): Message {
  return { object: `table inet ${name}`, type, flags: 0, attributes: [string(NFTA_TABLE.NAME, name)] };
}

/** An empty set of address intervals. */
export function newIntervalSet({ table, name, id, family }: AddressSet): Message {
  const byteOrder = new Uint8Array(4);
  new DataView(byteOrder.buffer).setUint32(0, NFT_BYTEORDER_BIG_ENDIAN, true);
  return {
    object: `set ${name}`,
    type: NFT_MSG.NEWSET,
    flags: NLM_F.CREATE,
    attributes: [
      string(NFTA_SET.TABLE, table),
      string(NFTA_SET.NAME, name),
      u32(NFTA_SET.FLAGS, NFT_SET_INTERVAL),
      u32(NFTA_SET.KEY_TYPE, family === 4 ? NFT_TYPE.IPADDR : NFT_TYPE.IP6ADDR),
      u32(NFTA_SET.KEY_LEN, family === 4 ? 4 : 16),
      u32(NFTA_SET.ID, id),
      // Tells nft how to read the keys when it lists them.
      attribute(NFTA_SET.USERDATA, udata(NFTNL_UDATA.SET_KEYBYTEORDER, byteOrder)),
    ],
  };
}

/** Adds elements to a set that exists, or that was made earlier in the batch. */
export function addElements({ table, name, id }: AddressSet, { from, to, elements }: IntervalBlock): Message {
  return {
    object: `set ${name} elements ${from}..${to}`,
    type: NFT_MSG.NEWSETELEM,
    flags: NLM_F.CREATE,
    attributes: [
      string(NFTA_SET_ELEM_LIST.TABLE, table),
      string(NFTA_SET_ELEM_LIST.SET, name),
      u32(NFTA_SET_ELEM_LIST.SET_ID, id),
      nested(NFTA_SET_ELEM_LIST.ELEMENTS, elements),
    ],
  };
}

/** Takes all elements out of a set. */
export function flushSet({ table, name }: AddressSet): Message {
  return {
    object: `set ${name}`,
    type: NFT_MSG.DELSETELEM,
    flags: 0,
    attributes: [string(NFTA_SET_ELEM_LIST.SET, name), string(NFTA_SET_ELEM_LIST.TABLE, table)],
  };
}

/** A chain that sees the first packet of every connection made on this machine, before its destination is final. */
export function newNatOutputChain(table: string, name: string): Message {
  return newBaseChain(table, name, 'nat', NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
}

/** A chain that sees every packet for this machine itself, after its destination may have been changed. */
export function newFilterInputChain(table: string, name: string): Message {
  return newBaseChain(table, name, 'filter', NF_INET_LOCAL_IN, NF_IP_PRI_FILTER);
}

function newBaseChain(
  table: string,
  name: string,
  type: 'nat' | 'filter',
  hook: number,
  priority: number,
): Message {
  return {
    object: `chain ${name}`,
    type: NFT_MSG.NEWCHAIN,
    flags: NLM_F.CREATE,
    attributes: [
      string(NFTA_CHAIN.TABLE, table),
      string(NFTA_CHAIN.NAME, name),
      string(NFTA_CHAIN.TYPE, type),
      u32(NFTA_CHAIN.POLICY, NF_ACCEPT),
      nested(NFTA_CHAIN.HOOK, u32(NFTA_HOOK.HOOKNUM, hook), u32(NFTA_HOOK.PRIORITY, priority)),
    ],
  };
}

/** A rule behind those that the chain has. `comment` is shown by `nft list`, and names the rule in errors. */
export function newRule(
  table: string,
  chain: string,
  comment: string,
  expressions: readonly Expression[],
): Message {
  return {
    object: `rule "${comment}"`,
    type: NFT_MSG.NEWRULE,
    flags: NLM_F.CREATE | NLM_F.APPEND,
    attributes: [
      string(NFTA_RULE.TABLE, table),
      string(NFTA_RULE.CHAIN, chain),
      nested(NFTA_RULE.EXPRESSIONS, ...expressions),
      attribute(NFTA_RULE.USERDATA, udata(NFTNL_UDATA.RULE_COMMENT, nulTerminated(comment))),
    ],
  };
}

/** nft's own notes on an object: u8 type, u8 length, value. */
function udata(type: number, value: Uint8Array): Bytes {
  return concat([Uint8Array.of(type, value.length), value]);
}
