/** Makes address ranges from the CSV files of the npm package `@ip-location-db/asn-country`, at build time. */
import { addressWords, union, type RangeSet } from '../net/ranges.ts';
import { parseAddress } from '../net/address.ts';
import { SnetError } from '../base/errors.ts';

/** `ERR_CSV`: the source is not what it was when this was written; nothing is guessed. */
export class CsvError extends SnetError<'ERR_CSV'> {}

/**
 * The merged ranges of one country.
 * @param csv lines of `first,last,country`, both addresses inclusive and of one family
 * @param country ISO 3166-1 alpha-2, upper case
 * @throws CsvError for a line of the country that is not of that form, and if the country has no line at all
 */
export function countryRanges(family: 4 | 6, csv: string, country: string): RangeSet {
  const words: number[] = [];
  const wanted = `,${country}`;
  for (const line of csv.split(/\r?\n/)) {
    if (!line.endsWith(wanted)) continue;
    const [first, last, ...rest] = line
      .slice(0, -wanted.length)
      .split(',')
      .map((text) => parseAddress(text));
    if (first?.family !== family || last?.family !== family || rest.length > 0) {
      throw new CsvError('ERR_CSV', `"${line}" is not two IPv${family} addresses and a country`);
    }
    if (Buffer.compare(first.bytes, last.bytes) > 0) {
      throw new CsvError('ERR_CSV', `"${line}" ends before it begins`);
    }
    words.push(...addressWords(first), ...addressWords(last));
  }
  if (words.length === 0) throw new CsvError('ERR_CSV', `no IPv${family} range of ${country}`);
  return union(family, [{ family, words: Uint32Array.from(words) }]);
}

/**
 * The date in the package's version, `MAJOR.MINOR.yyyymmddhh`, as `yyyy-mm-dd`.
 * @throws CsvError if it holds none
 */
export function dateOfVersion(version: string): string {
  const date = /^\d+\.\d+\.(\d{4})(\d\d)(\d\d)\d\d$/.exec(version);
  if (!date) throw new CsvError('ERR_CSV', `version ${version} holds no date`);
  return `${date[1]}-${date[2]}-${date[3]}`;
}
