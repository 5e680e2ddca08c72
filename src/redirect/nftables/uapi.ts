/**
 * Numbers of the kernel's interface, under the kernel's names (prefix as the name of the table, lower down the rest).
 * Sources: include/uapi/linux/netlink.h, netfilter.h, netfilter/nfnetlink.h, netfilter/nf_tables.h; for user data
 * libnftnl's include/libnftnl/udata.h.
 */

/** Flags of nlmsghdr. CREATE, EXCL and APPEND are for NEW requests, DUMP for GET. */
export const NLM_F = {
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP: 0x300,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  ACK_TLVS: 0x200,
} as const;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSGERR_ATTR = { MSG: 1, OFFS: 2 } as const;
export const NFNL_MSG = { BATCH_BEGIN: 0x10, BATCH_END: 0x11 } as const;
export const NFNL_SUBSYS_NFTABLES = 10;

export const NFPROTO = { UNSPEC: 0, INET: 1, IPV4: 2, IPV6: 10 } as const;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_LOCAL_OUT = 3;
export const NF_DROP = 0;
export const NF_ACCEPT = 1;
/** Where destination addresses are rewritten: enum nf_ip_hook_priorities. */
export const NF_IP_PRI_NAT_DST = -100;
/** Where packets are let through or not. */
export const NF_IP_PRI_FILTER = 0;
/** linux/rtnetlink.h: a route to an address of this machine. */
export const RTN_LOCAL = 2;
/** net/flow.h: the index of `lo` in every network namespace. */
export const LOOPBACK_IFINDEX = 1;
/** linux/netfilter/nf_nat.h: the new port is given. */
export const NF_NAT_RANGE_PROTO_SPECIFIED = 2;

export const NFT_MSG = {
  NEWTABLE: 0, GETTABLE: 1, DELTABLE: 2, NEWCHAIN: 3, NEWRULE: 6, NEWSET: 9, NEWSETELEM: 12, DELSETELEM: 14,
} as const; // prettier-ignore
export const NFT_TABLE_F_OWNER = 2;
export const NFT_SET_INTERVAL = 4;
export const NFT_SET_ELEM_INTERVAL_END = 1;
export const NFT_REG = { VERDICT: 0, REG_1: 1, REG_2: 2 } as const;
export const NFT_RETURN = -5;
export const NFT_CMP = { EQ: 0, NEQ: 1 } as const;
export const NFT_PAYLOAD_NETWORK_HEADER = 1;
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
export const NFT_META = { IIF: 4, OIF: 5, SKGID: 11, NFPROTO: 15, L4PROTO: 16 } as const;
export const NFT_FIB_RESULT_ADDRTYPE = 3;
export const NFTA_FIB_F_DADDR = 2;

export const NFTA_LIST_ELEM = 1;
export const NFTA_TABLE = { NAME: 1, FLAGS: 2, USERDATA: 6, OWNER: 7 } as const;
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2 } as const;
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4, USERDATA: 7 } as const;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  ID: 10,
  USERDATA: 13,
} as const;
export const NFTA_SET_ELEM = { KEY: 1, FLAGS: 3, USERDATA: 6 } as const;
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3, SET_ID: 4 } as const;
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_VERDICT_CODE = 1;
export const NFTA_META = { DREG: 1, KEY: 2 } as const;
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5 } as const;
export const NFTA_LOOKUP = { SET: 1, SREG: 2, SET_ID: 4 } as const;
export const NFTA_PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 } as const;
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;
export const NFTA_FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;
export const NFT_NAT_DNAT = 1;
export const NFTA_NAT = { TYPE: 1, FAMILY: 2, REG_ADDR_MIN: 3, REG_PROTO_MIN: 5, FLAGS: 7 } as const;
export const NFTA_REDIR = { REG_PROTO_MIN: 1, FLAGS: 3 } as const;

/** User data is nft's own: type u8, length u8, value. The kernel keeps it and doesn't look. */
export const NFTNL_UDATA = {
  TABLE_COMMENT: 0,
  RULE_COMMENT: 0,
  SET_KEYBYTEORDER: 0,
  SET_ELEM_FLAGS: 1,
} as const;
/** nft's include/datatype.h: how `nft list` prints a set's keys. */
export const NFT_TYPE = { IPADDR: 7, IP6ADDR: 8 } as const;
export const NFT_BYTEORDER_BIG_ENDIAN = 2;
/** libnftnl: the interval has no end element, it goes on to the last address. */
export const NFTNL_SET_ELEM_F_INTERVAL_OPEN = 1;
