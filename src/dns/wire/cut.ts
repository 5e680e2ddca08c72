/** Taking bytes out of a message whose names point into one another. */
import { TYPE } from './constants.ts';
import { putU16, u16 } from './header.ts';
import { pointerOf, readName, skipName } from './names.ts';
import type { Layout, RecordAt } from './records.ts';

/** Bytes from `start` up to and without `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The message without these ranges; every name reads as before. Counts and lengths of data are the caller's to set.
 *
 * @param ranges in order, apart from each other, each within one record or all of it
 * @returns undefined if that can't be: a name is malformed, or a pointer leads to where no name should be, such as into
 *   what is cut
 */
export function cut(message: Uint8Array, layout: Layout, ranges: readonly Range[]): Uint8Array | undefined {
  const moved = movesOf(message.length, ranges);
  const names: number[] = [];
  for (const record of layout.records) {
    const own = moved[record.at] === GONE ? [] : namesOf(message, record);
    if (!own) return undefined;
    names.push(...own);
  }
  const shifted = new Uint8Array(message);
  for (const name of names) {
    const pointer = pointerOf(message, name);
    if (pointer >= 0) putU16(shifted, pointer, 0xc000 | moved[u16(message, pointer) & 0x3fff]!);
  }
  const whole = new Uint8Array(message.length - sizeOf(ranges));
  let from = 0;
  let to = 0;
  for (const { start, end } of [...ranges, { start: message.length, end: message.length }]) {
    whole.set(shifted.subarray(from, start), to);
    to += start - from;
    from = end;
  }
  const isKept = (name: number) => {
    const text = readName(message, name);
    return text !== undefined && readName(whole, moved[name]!) === text;
  };
  return names.every(isKept) ? whole : undefined;
}

const GONE = -1;

/** For each offset where it is after the cut. One pass, however many the ranges: a hostile message may have thousands. */
function movesOf(length: number, ranges: readonly Range[]): Int32Array {
  const moved = new Int32Array(length).fill(GONE);
  let from = 0;
  let to = 0;
  for (const { start, end } of [...ranges, { start: length, end: length }]) {
    while (from < start) moved[from++] = to++;
    from = end;
  }
  return moved;
}

/** How many bytes these are. */
export function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/**
 * The types whose data may hold compressed names: how many bytes stand before them, and how many names follow. RFC 3597 §4
 * forbids compression in all others, and asks to understand it in some that should not have it.
 */
const NAMES_IN_DATA: ReadonlyMap<number, { readonly skip: number; readonly names: number }> = new Map([
  [TYPE.NS, { skip: 0, names: 1 }],
  // MD and MF.
  [3, { skip: 0, names: 1 }],
  [4, { skip: 0, names: 1 }],
  [TYPE.CNAME, { skip: 0, names: 1 }],
  [TYPE.SOA, { skip: 0, names: 2 }],
  // MB, MG, MR.
  [7, { skip: 0, names: 1 }],
  [8, { skip: 0, names: 1 }],
  [9, { skip: 0, names: 1 }],
  [TYPE.PTR, { skip: 0, names: 1 }],
  // MINFO.
  [14, { skip: 0, names: 2 }],
  [TYPE.MX, { skip: 2, names: 1 }],
  [TYPE.RP, { skip: 0, names: 2 }],
  [TYPE.AFSDB, { skip: 2, names: 1 }],
  // RT.
  [21, { skip: 2, names: 1 }],
  [TYPE.SIG, { skip: 18, names: 1 }],
  // PX.
  [26, { skip: 2, names: 2 }],
  [TYPE.NXT, { skip: 0, names: 1 }],
  [TYPE.SRV, { skip: 6, names: 1 }],
  [TYPE.KX, { skip: 2, names: 1 }],
  [TYPE.DNAME, { skip: 0, names: 1 }],
  // Forbidden to be compressed (RFC 9460 §2.2), which not every server knows.
  [TYPE.SVCB, { skip: 2, names: 1 }],
  [TYPE.HTTPS, { skip: 2, names: 1 }],
]);

/** Where the names of a record begin: its owner's, and those in its data. Undefined if the data is malformed. */
function namesOf(message: Uint8Array, record: RecordAt): number[] | undefined {
  const starts = [record.at];
  const layout =
    record.type === TYPE.NAPTR
      ? { skip: naptrNameAt(message, record) - record.dataAt, names: 1 }
      : NAMES_IN_DATA.get(record.type);
  // RFC 2136 has records without data.
  if (!layout || record.dataAt === record.end) return starts;
  let at = record.dataAt + layout.skip;
  for (let left = layout.names; left > 0; left--) {
    if (at >= record.end) return undefined;
    starts.push(at);
    at = skipName(message, at);
    if (at < 0 || at > record.end) return undefined;
  }
  return starts;
}

/** RFC 3403 §4.1: order and preference, then three strings behind their lengths. */
function naptrNameAt(message: Uint8Array, { dataAt, end }: RecordAt): number {
  let at = dataAt + 4;
  for (let strings = 3; strings > 0 && at < end; strings--) at += 1 + message[at]!;
  return at;
}
