/**
 * The forms in which answers and verdicts are kept in files; network order, one record behind the other.
 *
 * An answer: f64 when it expires, u16 type, u16 class, u8 DO and CD, u8 side, u16 length of the name, u16 length of the
 * message, name, message. A verdict: f64 when it is forgotten, u8 verdict, u16 length of the name, name. Times are
 * milliseconds of the Unix epoch.
 */
import type { Side } from '../question.ts';
import type { KeptAnswer } from './cache.ts';
import type { Contents } from './file.ts';
import type { KeptVerdict, Verdict } from './verdicts.ts';

/** Writes and reads one kind of record. */
export interface RecordForm<Kept extends { readonly remaining: number }> {
  readonly contents: Contents;
  /** There is room for it. @returns bytes written */
  write(record: Kept, expires: number, target: Buffer, at: number): number;
  /**
   * The record at `at`, as {@link Kept} but with the time it expires.
   * @returns undefined if it is cut short or is none
   */
  read(
    source: Buffer,
    at: number,
  ):
    | { readonly record: Omit<Kept, 'remaining'>; readonly expires: number; readonly size: number }
    | undefined;
}

const ANSWER_FIXED = 18;
const SIDES: readonly Side[] = ['china', 'trusted', 'local'];
const DNSSEC_OK = 1;
const CHECKING_DISABLED = 2;

export const ANSWERS: RecordForm<KeptAnswer> = {
  contents: { kind: 'ANSW', version: 1 },
  write({ key, side, message }, expires, target, at) {
    target.writeDoubleBE(expires, at);
    target.writeUInt16BE(key.type, at + 8);
    target.writeUInt16BE(key.class, at + 10);
    target[at + 12] = (key.dnssecOk ? DNSSEC_OK : 0) | (key.checkingDisabled ? CHECKING_DISABLED : 0);
    target[at + 13] = SIDES.indexOf(side);
    target.writeUInt16BE(key.name.length, at + 14);
    target.writeUInt16BE(message.length, at + 16);
    target.write(key.name, at + ANSWER_FIXED, 'latin1');
    target.set(message, at + ANSWER_FIXED + key.name.length);
    return ANSWER_FIXED + key.name.length + message.length;
  },
  read(source, at) {
    if (source.length - at < ANSWER_FIXED) return undefined;
    const nameEnd = at + ANSWER_FIXED + source.readUInt16BE(at + 14);
    const end = nameEnd + source.readUInt16BE(at + 16);
    const side = SIDES[source[at + 13]!];
    if (end > source.length || !side) return undefined;
    const flags = source[at + 12]!;
    const key = {
      name: source.toString('latin1', at + ANSWER_FIXED, nameEnd),
      type: source.readUInt16BE(at + 8),
      class: source.readUInt16BE(at + 10),
      dnssecOk: (flags & DNSSEC_OK) !== 0,
      checkingDisabled: (flags & CHECKING_DISABLED) !== 0,
    };
    const message = source.subarray(nameEnd, end);
    return { record: { key, side, message }, expires: source.readDoubleBE(at), size: end - at };
  },
};

const VERDICT_FIXED = 11;
const VERDICTS: readonly Verdict[] = ['china', 'trusted'];

export const VERDICT_RECORDS: RecordForm<KeptVerdict> = {
  contents: { kind: 'VERD', version: 1 },
  write({ name, verdict }, expires, target, at) {
    target.writeDoubleBE(expires, at);
    target[at + 8] = VERDICTS.indexOf(verdict);
    target.writeUInt16BE(name.length, at + 9);
    target.write(name, at + VERDICT_FIXED, 'latin1');
    return VERDICT_FIXED + name.length;
  },
  read(source, at) {
    if (source.length - at < VERDICT_FIXED) return undefined;
    const end = at + VERDICT_FIXED + source.readUInt16BE(at + 9);
    const verdict = VERDICTS[source[at + 8]!];
    if (end > source.length || !verdict) return undefined;
    const name = source.toString('latin1', at + VERDICT_FIXED, end);
    return { record: { name, verdict }, expires: source.readDoubleBE(at), size: end - at };
  },
};
