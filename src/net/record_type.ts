/** Types of DNS records by name: https://www.iana.org/assignments/dns-parameters, "Resource Record (RR) TYPEs". */

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
