/** Numbers of the DNS: https://www.iana.org/assignments/dns-parameters. */

/** RR TYPEs and QTYPEs that people and we call by name. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  SIG: 24,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const;

export const CLASS = { IN: 1, CH: 3, ANY: 255 } as const;

/** From 16 on they take the OPT record's upper bits (RFC 6891 §6.1.3). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** INFO-CODEs of Extended DNS Errors, RFC 8914 §5.2. */
export const EDE = {
  OTHER: 0,
  STALE_ANSWER: 3,
  FORGED_ANSWER: 4,
  NOT_READY: 14,
  BLOCKED: 15,
  CENSORED: 16,
  FILTERED: 17,
  PROHIBITED: 18,
  STALE_NXDOMAIN: 19,
  NOT_SUPPORTED: 21,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
  INVALID_DATA: 24,
} as const;

/** Codes of EDNS options. */
export const OPTION = {
  /** RFC 7830. */
  PADDING: 12,
  /** RFC 8914. */
  EDE: 15,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(TYPE).map(([name, type]) => [type, name]));
const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(TYPE));

/** `AAAA`, or `TYPE123` for a type without a name here (RFC 3597 §5). */
export function typeName(type: number): string {
  return NAMES.get(type) ?? `TYPE${type}`;
}

/** The type that a person calls `aaaa` or `TYPE28`, in any case; undefined if there is none. */
export function typeNumber(text: string): number | undefined {
  const name = text.toUpperCase();
  const known = NUMBERS.get(name);
  if (known !== undefined) return known;
  const number = /^TYPE(0|[1-9]\d{0,4})$/.exec(name)?.[1];
  return number !== undefined && Number(number) <= 0xffff ? Number(number) : undefined;
}

const RCODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RCODE).map(([name, rcode]) => [rcode, name]),
);

/** `NXDOMAIN`, or `RCODE9` for one without a name here. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
