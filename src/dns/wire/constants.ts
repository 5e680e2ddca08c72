/** Numbers of the DNS: https://www.iana.org/assignments/dns-parameters. */
export { TYPE, typeName, typeNumber } from '../../net/record_type.ts';

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

const RCODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(RCODE).map(([name, rcode]) => [rcode, name]),
);

/** `NXDOMAIN`, or `RCODE9` for one without a name here. */
export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
