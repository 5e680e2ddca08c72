/**
 * Answers of our own. Each repeats id, RD, CD and question exactly as they were asked, and has an OPT record if and only if
 * the query had one (RFC 6891 §7).
 */
import type { Address } from '../../net/address.ts';
import type { Question } from '../question.ts';
import { CLASS, OPTION, RCODE, TYPE } from './constants.ts';
import {
  COUNT,
  FLAG,
  flagsOf,
  HEADER_SIZE,
  OPCODE_MASK,
  putU16,
  putU32,
  RCODE_MASK,
  setFlags,
} from './header.ts';
import { encodeName } from './names.ts';
import { option, optRecord, OUR_PAYLOAD } from './opt.ts';

/** An Extended DNS Error, RFC 8914: left out of answers to queries without EDNS. */
export interface ExtendedError {
  /** INFO-CODE, one of `EDE`. */
  readonly code: number;
  /** EXTRA-TEXT, for people. Short: it must fit beside the question. */
  readonly text?: string;
}

/** A pointer to the question's name (RFC 1035 §4.1.4). */
const ASKED_NAME = 0xc000 | HEADER_SIZE;
/** Pointer, type, class, TTL, length of the data. */
const RECORD_HEADER = 12;

/**
 * Those of the addresses that the question's type asks for: A the IPv4, AAAA the IPv6 ones, ANY all.
 * If there are none, or it asks for something else, the answer is NODATA.
 * The message may be longer than what the asker takes: see `fitted`.
 *
 * @param ttl in seconds, also of a NODATA
 */
export function composeAddresses(
  query: Uint8Array,
  question: Question,
  addresses: readonly Address[],
  ttl: number,
): Uint8Array {
  const records = addresses
    .filter(({ family }) => question.type === TYPE.ANY || question.type === typeOf(family))
    .map(({ family, bytes }) => record(typeOf(family), ttl, bytes));
  if (question.class !== CLASS.IN || records.length === 0)
    return composeNegative(query, question, RCODE.NOERROR, { ttl });
  return compose(query, question, { rcode: RCODE.NOERROR, answer: records });
}

function typeOf(family: 4 | 6): number {
  return family === 4 ? TYPE.A : TYPE.AAAA;
}

/**
 * NODATA (NOERROR) or NXDOMAIN, with a SOA record so that whoever asked may keep it (RFC 2308 §3).
 *
 * @param options.ttl for how many seconds
 */
export function composeNegative(
  query: Uint8Array,
  question: Question,
  rcode: number,
  { ttl, ede }: { readonly ttl: number; readonly ede?: ExtendedError | undefined },
): Uint8Array {
  const authority = [record(TYPE.SOA, ttl, soaData(ttl))];
  return compose(query, question, { rcode, authority, ede });
}

const NOBODY = encodeName('nobody.invalid')!;
/** SERIAL, REFRESH, RETRY, EXPIRE: those of empty zones, RFC 6303 §3. */
const SOA_NUMBERS = [1, 3600, 1200, 604_800];

/** RFC 1035 §3.3.13, filled in as RFC 6303 §3 has it: the name itself as MNAME. */
function soaData(minimum: number): Uint8Array {
  const data = new Uint8Array(2 + NOBODY.length + 20);
  putU16(data, 0, ASKED_NAME);
  data.set(NOBODY, 2);
  [...SOA_NUMBERS, minimum].forEach((number, i) => putU32(data, 2 + NOBODY.length + 4 * i, number));
  return data;
}

/**
 * An error: no records.
 *
 * @param question undefined if it could not be read: the answer is a header only
 * @param rcode 0 to 4095; those above 15 are for queries with EDNS only
 */
export function composeFailure(
  query: Uint8Array,
  question: Question | undefined,
  rcode: number,
  ede?: ExtendedError,
): Uint8Array {
  return compose(query, question, { rcode, ede });
}

interface Content {
  readonly rcode: number;
  readonly answer?: readonly Uint8Array[];
  readonly authority?: readonly Uint8Array[];
  readonly ede?: ExtendedError | undefined;
}

function compose(
  query: Uint8Array,
  question: Question | undefined,
  { rcode, answer = [], authority = [], ede }: Content,
): Uint8Array {
  const edns = question?.edns;
  const additional = edns
    ? [
        optRecord({
          payload: OUR_PAYLOAD,
          // RFC 3225 §3: copied.
          dnssecOk: edns.dnssecOk,
          upperRcode: rcode >>> 4,
          options: ede ? [edeOption(ede)] : [],
        }),
      ]
    : [];
  const message = concat([
    query.subarray(0, question?.end ?? HEADER_SIZE),
    ...answer,
    ...authority,
    ...additional,
  ]);
  const kept = flagsOf(query) & (OPCODE_MASK | FLAG.RD | FLAG.CD);
  setFlags(message, FLAG.QR | FLAG.RA | kept | (rcode & RCODE_MASK));
  putU16(message, COUNT.question, question ? 1 : 0);
  putU16(message, COUNT.answer, answer.length);
  putU16(message, COUNT.authority, authority.length);
  putU16(message, COUNT.additional, additional.length);
  return message;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** RFC 8914 §2: a u16, and UTF-8 without a NUL at the end. */
function edeOption({ code, text = '' }: ExtendedError): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const value = new Uint8Array(2 + encoded.length);
  putU16(value, 0, code);
  value.set(encoded, 2);
  return option(OPTION.EDE, value);
}

/** A record of class IN owned by the name that was asked for. */
function record(type: number, ttl: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER + data.length);
  putU16(bytes, 0, ASKED_NAME);
  putU16(bytes, 2, type);
  putU16(bytes, 4, CLASS.IN);
  putU32(bytes, 6, ttl);
  putU16(bytes, 10, data.length);
  bytes.set(data, RECORD_HEADER);
  return bytes;
}
