/**
 * The OPT record, RFC 6891 §6.1.2: the root as owner, payload size in the place of the class, and in the place of the TTL
 * the upper 8 bits of the RCODE, a version, DO and 15 bits of zeros; options as data, each a code, a length (u16) and a value.
 */
import { TYPE } from './constants.ts';
import { putU16, u16 } from './header.ts';
import { RECORD_FIXED, type Layout, type RecordAt } from './records.ts';

/** Without options. */
export const OPT_SIZE = 1 + RECORD_FIXED;

/**
 * What we offer to take over UDP, and send at most: fits an unfragmented packet on any link of IPv6's smallest MTU,
 * 1280 − 40 − 8 (https://www.dnsflagday.net/2020/).
 */
export const OUR_PAYLOAD = 1232;

/** RFC 6891 §6.2.3: less is read as this. */
export const LEAST_PAYLOAD = 512;

const DO = 0x80;
const OPTION_FIXED = 4;

/** The message's OPT record; of several the first. */
export function findOpt({ records }: Layout): RecordAt | undefined {
  return records.find(isOpt);
}

export function isOpt({ type, section }: RecordAt): boolean {
  return type === TYPE.OPT && section === 'additional';
}

/** Whether a message's OPT records are as RFC 6891 §6.1.1 has it: at most one, among the additional records, owned by the root. */
export function isOptLawful(message: Uint8Array, { records }: Layout): boolean {
  const found = records.filter(({ type }) => type === TYPE.OPT);
  return found.length <= 1 && found.every((record) => isOpt(record) && message[record.at] === 0);
}

export function payloadOf(message: Uint8Array, opt: RecordAt): number {
  return Math.max(LEAST_PAYLOAD, u16(message, opt.ttlAt - 2));
}

/** The upper 8 of an RCODE's 12 bits. */
export function upperRcodeOf(message: Uint8Array, opt: RecordAt): number {
  return message[opt.ttlAt]!;
}

export function versionOf(message: Uint8Array, opt: RecordAt): number {
  return message[opt.ttlAt + 1]!;
}

export function isDnssecOk(message: Uint8Array, opt: RecordAt): boolean {
  return (message[opt.ttlAt + 2]! & DO) !== 0;
}

export interface NewOpt {
  readonly payload: number;
  readonly dnssecOk: boolean;
  readonly upperRcode?: number | undefined;
  readonly options?: readonly Uint8Array[];
}

/** An OPT record of version 0. */
export function optRecord({ payload, dnssecOk, upperRcode = 0, options = [] }: NewOpt): Uint8Array {
  const size = options.reduce((sum, option) => sum + option.length, 0);
  const record = new Uint8Array(OPT_SIZE + size);
  putU16(record, 1, TYPE.OPT);
  putU16(record, 3, payload);
  record[5] = upperRcode;
  if (dnssecOk) record[7] = DO;
  putU16(record, 9, size);
  let at = OPT_SIZE;
  for (const option of options) {
    record.set(option, at);
    at += option.length;
  }
  return record;
}

export function option(code: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(OPTION_FIXED + value.length);
  putU16(bytes, 0, code);
  putU16(bytes, 2, value.length);
  bytes.set(value, OPTION_FIXED);
  return bytes;
}

/** The options of an OPT record that have this code, whole; those behind one that is cut short are not found. */
export function optionsOf(message: Uint8Array, opt: RecordAt, code: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = opt.dataAt; at + OPTION_FIXED <= opt.end;) {
    const end = at + OPTION_FIXED + u16(message, at + 2);
    if (end > opt.end) break;
    if (u16(message, at) === code) found.push(message.slice(at, end));
    at = end;
  }
  return found;
}
