/** Writes statistics files as APNIC does. */
import { formatAddress } from '../../src/net/address.ts';
import { rangeCidrs } from '../../src/net/range_cidrs.ts';
import type { DualRanges } from '../../src/net/ranges.ts';
import { fromBigInt, rangesOfSet, type SlowRange } from './slow_ranges.ts';

export interface Statistics {
  /** `yyyymmdd` */
  readonly serial?: string;
  readonly records: readonly string[];
}

export function statistics({ serial = '20260617', records }: Statistics): string {
  const count = (kind: string) => records.filter((record) => record.split('|')[2] === kind).length;
  const summaries = ['asn', 'ipv4', 'ipv6'].map((kind) => `apnic|*|${kind}|*|${count(kind)}|summary`);
  const header = `2|apnic|${serial}|${records.length}|19830613|20260616|+1000`;
  return `#\n# CONDITIONS OF USE\n#\n${[header, ...summaries, ...records].join('\n')}\n`;
}

export function v4Record([first, last]: SlowRange, country = 'CN'): string {
  return `apnic|${country}|ipv4|${formatAddress(fromBigInt(4, first)!)}|${last - first + 1n}|20110414|allocated`;
}

/** All of them, each IPv4 range as one record, however long it is. */
export function recordsOf({ v4, v6 }: DualRanges): string[] {
  const blocks = [...rangeCidrs(v6)];
  return [
    ...rangesOfSet(v4).map((range) => v4Record(range)),
    ...blocks.map(
      ({ address, prefix }) => `apnic|CN|ipv6|${formatAddress(address)}|${prefix}|20110414|allocated`,
    ),
  ];
}
