/** Answers, read and patched in place. A malformed one never throws: it matches nothing, has no addresses, no TTLs. */
import type { Address } from '../../net/address.ts';
import type { Question } from '../question.ts';
import { CLASS, TYPE } from './constants.ts';
import { COUNT, FLAG, flagsOf, HEADER_SIZE, idOf, OPCODE_MASK, RCODE_MASK, setId, u16 } from './header.ts';
import { readName, skipName } from './names.ts';
import { findOpt, upperRcodeOf } from './opt.ts';
import { layoutOf, questionEndOf, QUESTION_FIXED, type RecordAt } from './records.ts';
import { ttlAt } from './ttl.ts';

export interface MatchOptions {
  /** Whether the ids must be equal. True if left out. */
  readonly id?: boolean;
  /** Whether the name must come back in the very case it was asked in (0x20). */
  readonly exactCase?: boolean;
}

/** Whether a message is an answer to this query: RFC 5452 §9.1, as far as it is in the message. */
export function answers(
  query: Uint8Array,
  answer: Uint8Array,
  { id = true, exactCase = false }: MatchOptions = {},
): boolean {
  if (answer.length < HEADER_SIZE || query.length < HEADER_SIZE) return false;
  if (id && idOf(query) !== idOf(answer)) return false;
  if ((flagsOf(answer) & (FLAG.QR | OPCODE_MASK)) !== FLAG.QR || u16(answer, COUNT.question) !== 1)
    return false;
  const end = questionEndOf(answer);
  if (end < 0 || end !== questionEndOf(query)) return false;
  const nameEnd = end - QUESTION_FIXED;
  for (let at = HEADER_SIZE; at < end; at++) {
    const asked = query[at]!;
    const answered = answer[at]!;
    if (asked === answered) continue;
    if (exactCase || at >= nameEnd || lowerCase(asked) !== lowerCase(answered)) return false;
  }
  return true;
}

/** Length bytes are below the letters, so that a whole name in wire form is folded byte by byte. */
function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** All 12 bits of it, if the message has an OPT record (RFC 6891 §6.1.3). The message has a whole header. */
export function rcodeOf(answer: Uint8Array): number {
  const lower = flagsOf(answer) & RCODE_MASK;
  if (u16(answer, COUNT.additional) === 0) return lower;
  const layout = layoutOf(answer);
  const opt = layout && findOpt(layout);
  return opt ? (upperRcodeOf(answer, opt) << 4) | lower : lower;
}

/** TC. The message has a whole header. */
export function isTruncated(message: Uint8Array): boolean {
  return (flagsOf(message) & FLAG.TC) !== 0;
}

/** The name that was asked for and those that CNAME records lead to from it; empty if there is no one question. */
function chainOf(answer: Uint8Array, records: readonly RecordAt[]): Set<string> {
  const chain = new Set<string>();
  if (u16(answer, COUNT.question) !== 1) return chain;
  let name = readName(answer, HEADER_SIZE);
  const targets = new Map<string, string | undefined>();
  for (const record of records) {
    if (record.section !== 'answer' || record.type !== TYPE.CNAME) continue;
    const owner = readName(answer, record.at);
    if (owner !== undefined && !targets.has(owner)) targets.set(owner, readName(answer, record.dataAt));
  }
  while (name !== undefined && !chain.has(name)) {
    chain.add(name);
    name = targets.get(name);
  }
  return chain;
}

/**
 * The addresses that the name asked for has, directly or over CNAME records, of A and AAAA records in the answer section
 * in their order. What else is in the answer is nobody's: a liar could have put it there.
 */
export function addressesOf(answer: Uint8Array): Address[] {
  return addressRecords(answer).map(({ dataAt, end }) => ({
    family: end - dataAt === 4 ? 4 : 6,
    bytes: answer.slice(dataAt, end),
  }));
}

/** Where the same addresses stand in the message; each has its length, 4 or 16, in the two bytes before it. */
export function addressOffsets(answer: Uint8Array): number[] {
  return addressRecords(answer).map(({ dataAt }) => dataAt);
}

function addressRecords(answer: Uint8Array): RecordAt[] {
  const layout = layoutOf(answer);
  if (!layout) return [];
  const candidates = layout.records.filter(isAddress);
  if (candidates.length === 0) return [];
  const chain = chainOf(answer, layout.records);
  return candidates.filter(({ at }) => {
    const owner = readName(answer, at);
    return owner !== undefined && chain.has(owner);
  });
}

function isAddress({ section, class: of, type, dataAt, end }: RecordAt): boolean {
  if (section !== 'answer' || of !== CLASS.IN) return false;
  return end - dataAt === (type === TYPE.A ? 4 : type === TYPE.AAAA ? 16 : -1);
}

/** The seconds for which a "no" may be kept: RFC 2308 §5. Undefined without a SOA among the authority records. */
export function negativeTtl(answer: Uint8Array): number | undefined {
  const soa = layoutOf(answer)?.records.find(
    ({ section, type }) => section === 'authority' && type === TYPE.SOA,
  );
  if (!soa) return undefined;
  const minimum = soaMinimum(answer, soa);
  return minimum === undefined ? undefined : Math.min(ttlAt(answer, soa.ttlAt), minimum);
}

/** SERIAL, REFRESH, RETRY, EXPIRE and MINIMUM follow on MNAME and RNAME, 4 bytes each: RFC 1035 §3.3.13. */
function soaMinimum(answer: Uint8Array, { dataAt, end }: RecordAt): number | undefined {
  const rname = skipName(answer, dataAt);
  const numbers = rname < 0 ? -1 : skipName(answer, rname);
  return numbers >= 0 && numbers + 20 === end ? ttlAt(answer, numbers + 16) : undefined;
}

/** A copy with another id; everything else as it is. */
export function copyWithId(message: Uint8Array, id: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(message);
  setId(copy, id);
  return copy;
}

/**
 * A copy of an answer for another query of the same question: with its id, its RD and CD, and the name in the case it was
 * asked in (which owners' names that point to it take over). Question sections are equal up to case.
 */
export function copyFor(query: Uint8Array, question: Question, answer: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(answer);
  setId(copy, idOf(query));
  copy[2] = (copy[2]! & ~1) | (query[2]! & 1);
  copy[3] = (copy[3]! & ~FLAG.CD) | (query[3]! & FLAG.CD);
  for (let at = HEADER_SIZE; at < question.end; at++) copy[at] = query[at]!;
  return copy;
}
