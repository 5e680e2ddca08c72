/** Queries: what a client asks, and those that we make ourselves. */
import type { Edns, Question } from '../question.ts';
import { CLASS, RCODE } from './constants.ts';
import { COUNT, FLAG, flagsOf, HEADER_SIZE, OPCODE_MASK, putU16, setFlags, setId, u16 } from './header.ts';
import { encodeName, readName, skipName } from './names.ts';
import { findOpt, isDnssecOk, isOptLawful, optRecord, OUR_PAYLOAD, payloadOf, versionOf } from './opt.ts';
import { layoutOf, QUESTION_FIXED } from './records.ts';

export type ReadQuery =
  | { readonly question: Question; readonly refuse?: undefined; readonly drop?: undefined }
  /** To be answered with this RCODE; with the question if it could be read (see `composeFailure`). */
  | { readonly refuse: number; readonly question: Question | undefined; readonly drop?: undefined }
  /** To be met with silence: no whole header, or an answer. Two servers that answer answers talk forever. */
  | { readonly drop: true; readonly question?: undefined; readonly refuse?: undefined };

const DROP: ReadQuery = { drop: true };
const FORMERR: ReadQuery = { refuse: RCODE.FORMERR, question: undefined };
const NOTIMP: ReadQuery = { refuse: RCODE.NOTIMP, question: undefined };

/** Reads a client's message, which may be anything. Bytes behind the last record are no fault. Keeps none of the bytes. */
export function readQuery(message: Uint8Array): ReadQuery {
  if (message.length < HEADER_SIZE) return DROP;
  const flags = flagsOf(message);
  if ((flags & FLAG.QR) !== 0) return DROP;
  if ((flags & OPCODE_MASK) !== 0) return NOTIMP;
  // RFC 9619 §4: no other count has a meaning.
  if (u16(message, COUNT.question) !== 1) return FORMERR;
  const name = readName(message, HEADER_SIZE);
  const fixed = skipName(message, HEADER_SIZE);
  const end = fixed + QUESTION_FIXED;
  if (name === undefined || fixed < 0 || end > message.length) return FORMERR;
  let edns: Edns | undefined;
  let version = 0;
  if (hasRecords(message)) {
    const layout = layoutOf(message);
    if (!layout || !isOptLawful(message, layout)) return FORMERR;
    const opt = findOpt(layout);
    if (opt) {
      edns = { payload: payloadOf(message, opt), dnssecOk: isDnssecOk(message, opt) };
      version = versionOf(message, opt);
    }
  }
  const question: Question = {
    name,
    type: u16(message, fixed),
    class: u16(message, fixed + 2),
    end,
    edns,
    recursionDesired: (flags & FLAG.RD) !== 0,
    checkingDisabled: (flags & FLAG.CD) !== 0,
  };
  // RFC 6891 §6.1.3.
  return version === 0 ? { question } : { refuse: RCODE.BADVERS, question };
}

function hasRecords(message: Uint8Array): boolean {
  for (let at = COUNT.answer; at < HEADER_SIZE; at++) if (message[at] !== 0) return true;
  return false;
}

export interface QueryOptions {
  /** 0 if left out: whoever sends it sets one. */
  readonly id?: number;
  /** True if left out. */
  readonly recursionDesired?: boolean;
  /** DO: false if left out. */
  readonly dnssecOk?: boolean;
  /** What the asker can take over UDP, in bytes; null for a query without EDNS. */
  readonly payload?: number | null;
}

/** A query of our own, of class IN. @returns undefined if the name can't be one: see {@link encodeName} */
export function queryFor(
  name: string,
  type: number,
  { id = 0, recursionDesired = true, dnssecOk = false, payload = OUR_PAYLOAD }: QueryOptions = {},
): Uint8Array | undefined {
  const encoded = encodeName(name);
  if (!encoded) return undefined;
  const opt = payload === null ? new Uint8Array(0) : optRecord({ payload, dnssecOk });
  const end = HEADER_SIZE + encoded.length + QUESTION_FIXED;
  const query = new Uint8Array(end + opt.length);
  setId(query, id);
  setFlags(query, recursionDesired ? FLAG.RD : 0);
  putU16(query, COUNT.question, 1);
  putU16(query, COUNT.additional, payload === null ? 0 : 1);
  query.set(encoded, HEADER_SIZE);
  putU16(query, end - 4, type);
  putU16(query, end - 2, CLASS.IN);
  query.set(opt, end);
  return query;
}
