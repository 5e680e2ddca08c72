/**
 * APNIC's delegated statistics: which blocks of addresses were given to whom. RIR statistics exchange format 2
 * (https://ftp.apnic.net/stats/apnic/README.TXT), lines of fields between bars:
 *
 *     2|apnic|20260617|81234|19830613|20260616|+1000      version, registry, serial, records, first and last day, time zone
 *     apnic|*|ipv4|*|61248|summary                        as many records of a kind
 *     apnic|CN|ipv4|1.0.1.0|256|20110414|allocated        a block: for ipv4 its size, for ipv6 its prefix
 */
import { SnetError } from '../base/errors.ts';
import { parseAddress } from '../net/address.ts';
import type { Cidr } from '../net/cidr.ts';
import { addressWords, rangesOf, union } from '../net/ranges.ts';
import type { DatedRanges } from './cn_format.ts';

/** `ERR_APNIC`: the file is cut short, or not of this form; nothing is guessed. */
export class ApnicError extends SnetError<'ERR_APNIC'> {}

/** Also what nobody has, in the extended form of the file. */
const STATUSES: ReadonlySet<string> = new Set(['allocated', 'assigned', 'available', 'reserved']);

/**
 * The merged ranges of one country.
 * @param country ISO 3166-1 alpha-2, upper case
 * @throws ApnicError if it is another kind of file, holds another number of records than it says, or none of the country
 */
export function delegatedRanges(text: string, country: string): DatedRanges {
  const counted = new Map<string, number>();
  const claimed = new Map<string, number>();
  const v4: number[] = [];
  const v6: Cidr[] = [];
  let date: string | undefined;
  for (const line of linesOf(text)) {
    const fields = line.split('|');
    const [registry, holder, kind = '', start = '', value = '', , status] = fields;
    if (date === undefined) {
      const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(kind) ?? [];
      if (!/^2(?:\.\d+)?$/.test(registry!) || holder !== 'apnic' || year === undefined) {
        throw broken(line, 'is no header of a statistics file of APNIC');
      }
      date = `${year}-${month}-${day}`;
      claimed.set('all', countOf(line, start));
    } else if (fields[5] === 'summary') {
      claimed.set(kind, countOf(line, value));
    } else {
      if (!STATUSES.has(status!)) throw broken(line, 'ends in no known status');
      for (const name of [kind, 'all']) counted.set(name, (counted.get(name) ?? 0) + 1);
      if (holder !== country || (status !== 'allocated' && status !== 'assigned')) continue;
      if (kind === 'ipv4') v4.push(...rangeOf(line, start, value));
      else if (kind === 'ipv6') v6.push(blockOf(line, start, value));
    }
  }
  if (date === undefined) throw new ApnicError('ERR_APNIC', 'the file is empty');
  for (const [kind, count] of claimed) {
    const found = counted.get(kind) ?? 0;
    if (found !== count) {
      throw new ApnicError('ERR_APNIC', `it announces ${count} records (${kind}) and has ${found}`);
    }
  }
  if (v4.length === 0 || v6.length === 0) throw new ApnicError('ERR_APNIC', `no block of ${country}`);
  const ranges = {
    v4: union(4, [{ family: 4, words: Uint32Array.from(v4) }]),
    v6: rangesOf(v6).v6,
  };
  return { date, ranges };
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const newline = text.indexOf('\n', from);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(from, end).trim();
    if (line !== '' && !line.startsWith('#')) yield line;
    from = end + 1;
  }
}

/** Blocks that were made of several have sizes that are no power of two: a range keeps them whole. */
function rangeOf(line: string, start: string, value: string): [first: number, last: number] {
  const address = parseAddress(start);
  if (address?.family !== 4) throw broken(line, 'begins with no IPv4 address');
  const first = addressWords(address)[0]!;
  const last = first + countOf(line, value) - 1;
  if (last < first || last > 0xffffffff) throw broken(line, 'has a size that cannot be');
  return [first, last];
}

function blockOf(line: string, start: string, value: string): Cidr {
  const address = parseAddress(start);
  const prefix = countOf(line, value);
  if (address?.family !== 6) throw broken(line, 'begins with no IPv6 address');
  if (prefix < 1 || prefix > 128) throw broken(line, 'has a prefix that cannot be');
  return { address, prefix };
}

function countOf(line: string, digits: string): number {
  if (!/^\d{1,10}$/.test(digits)) throw broken(line, 'has no number where one belongs');
  return Number(digits);
}

function broken(line: string, why: string): ApnicError {
  return new ApnicError('ERR_APNIC', `${JSON.stringify(line.slice(0, 80))} ${why}`);
}
