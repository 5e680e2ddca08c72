/**
 * The file of address ranges inside the binary. Layout, integers big-endian:
 *
 *     0   4  magic "SNRG"
 *     4   1  version of this layout, 1
 *     5   4  CRC-32 of all that follows
 *     9   4  date of the data as decimal yyyymmdd
 *     13  4  number of IPv4 ranges
 *     17  4  number of IPv6 ranges
 *     21     IPv4 ranges, then IPv6 ranges; of each range the first address, then the last
 *
 * An address (4 or 16 bytes) is front coded: one byte `k << 4 | t`, then its bytes [k, size - t). Its first k bytes
 * are those of the address coded before it in its family (zeros before the first), its last t bytes are 00 in a first
 * and ff in a last address. Ranges ascend, and neither overlap nor touch.
 */
import { crc32 } from 'node:zlib';
import { SnetError } from '../base/errors.ts';
import type { DualRanges, RangeSet } from '../net/ranges.ts';

export interface DatedRanges {
  /** When the data was published, `yyyy-mm-dd`. */
  readonly date: string;
  readonly ranges: DualRanges;
}

export type RangesFileStatus =
  /** Not our file, cut short, or changed since it was written. */
  | 'ERR_RANGES_CORRUPT'
  /** Written by another version of snet. */
  | 'ERR_RANGES_VERSION';

export class RangesFileError extends SnetError<RangesFileStatus> {}

const MAGIC = 0x53_4e_52_47;
const VERSION = 1;
const HEADER = 21;
const CHECKED_FROM = 9;
/** What four bits can say. */
const NIBBLE = 15;

/**
 * The bytes of a ranges file.
 * @throws RangeError for a date that is not `yyyy-mm-dd`
 */
export function encodeRanges({ date, ranges }: DatedRanges): Uint8Array<ArrayBuffer> {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new RangeError(`${date} is not yyyy-mm-dd`);
  const body = [...encodeSet(ranges.v4), ...encodeSet(ranges.v6)];
  const file = new Uint8Array(HEADER + body.length);
  file.set(body, HEADER);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC);
  view.setUint8(4, VERSION);
  view.setUint32(9, Number(date.replaceAll('-', '')));
  view.setUint32(13, ranges.v4.words.length / 2);
  view.setUint32(17, ranges.v6.words.length / 8);
  view.setUint32(5, crc32(file.subarray(CHECKED_FROM)));
  return file;
}

function encodeSet({ family, words }: RangeSet): number[] {
  const size = family === 4 ? 4 : 16;
  const out: number[] = [];
  let before = new Uint8Array(size);
  for (let at = 0; at < words.length; at += size / 4) {
    const address = new Uint8Array(size);
    const view = new DataView(address.buffer);
    for (let i = 0; i < size / 4; i++) view.setUint32(4 * i, words[at + i]!);
    const begins = (at / (size / 4)) % 2 === 0;
    const filler = begins ? 0x00 : 0xff;
    let shared = 0;
    while (shared < Math.min(size, NIBBLE) && address[shared] === before[shared]) shared++;
    let filled = 0;
    while (filled < Math.min(size - shared, NIBBLE) && address[size - 1 - filled] === filler) filled++;
    out.push((shared << 4) | filled, ...address.subarray(shared, size - filled));
    before = address;
  }
  return out;
}

/**
 * Reads a ranges file.
 * @throws RangesFileError; nothing else, whatever the bytes
 */
export function decodeRanges(file: Uint8Array): DatedRanges {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 5 || view.getUint32(0) !== MAGIC) throw corrupt('it does not begin with SNRG');
  if (view.getUint8(4) !== VERSION) {
    throw new RangesFileError(
      'ERR_RANGES_VERSION',
      `the ranges file has layout ${view.getUint8(4)}, not ${VERSION}`,
    );
  }
  if (file.length < HEADER) throw corrupt(`it ends after ${file.length} bytes, within its header`);
  if (view.getUint32(5) !== crc32(file.subarray(CHECKED_FROM))) throw corrupt('its checksum is wrong');
  const v4 = decodeSet(file, HEADER, 4, view.getUint32(13));
  const v6 = decodeSet(file, v4.end, 6, view.getUint32(17));
  if (v6.end !== file.length) throw corrupt(`${file.length - v6.end} bytes follow its last range`);
  return { date: dateOf(view.getUint32(9)), ranges: { v4: v4.set, v6: v6.set } };
}

function decodeSet(
  file: Uint8Array,
  start: number,
  family: 4 | 6,
  count: number,
): { set: RangeSet; end: number } {
  const size = family === 4 ? 4 : 16;
  // Each address takes a byte at least: a count beyond that must not size an allocation.
  if (2 * count > file.length - start) throw corrupt(`${count} IPv${family} ranges do not fit in it`);
  // One address of zeros stands before the first.
  const bytes = new Uint8Array((2 * count + 1) * size);
  let at = start;
  for (let to = size; to < bytes.length; to += size) {
    const code = file[at++]!;
    const from = code >> 4;
    const until = size - (code & 15);
    if (from > until || at + until - from > file.length)
      throw corrupt(`its byte ${at - 1} cannot be an address`);
    for (let i = 0; i < from; i++) bytes[to + i] = bytes[to - size + i]!;
    for (let i = from; i < until; i++) bytes[to + i] = file[at++]!;
    if (until < size && (to / size) % 2 === 0) bytes.fill(0xff, to + until, to + size);
  }
  // Every machine that this runs on is little-endian.
  Buffer.from(bytes.buffer).swap32();
  const words = new Uint32Array(bytes.buffer).slice(size / 4);
  for (let i = size / 4; i < words.length; i += size / 4) {
    if (!follows(words, i, size / 4))
      throw corrupt(`address ${(4 * i) / size} of IPv${family} breaks the order`);
  }
  return { set: { family, words }, end: at };
}

/** Is the address at `at` above the one before it; by two at least where it begins a range? */
function follows(words: Uint32Array, at: number, size: number): boolean {
  const begins = (at / size) % 2 === 0;
  let i = 0;
  while (i < size && words[at + i] === words[at - size + i]) i++;
  if (i === size) return !begins;
  const gap = words[at + i]! - words[at - size + i]!;
  if (gap < 0 || !begins || gap > 1) return gap > 0;
  // One more in word i: they touch if what follows is all ones below and all zeros here.
  for (i++; i < size; i++) if (words[at + i] !== 0 || words[at - size + i] !== 0xffffffff) return true;
  return false;
}

function dateOf(decimal: number): string {
  const digits = String(decimal).padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
}

function corrupt(why: string): RangesFileError {
  return new RangesFileError('ERR_RANGES_CORRUPT', `the ranges file is damaged: ${why}`);
}
