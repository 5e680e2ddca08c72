import { describe, expect, test } from 'bun:test';
import { countryRanges, CsvError, dateOfVersion } from '../../src/route/cn_compile.ts';
import { rangesOfSet } from './slow_ranges.ts';

test('takes the lines of the country and joins what touches', () => {
  const csv =
    '0.0.0.1,0.0.0.2,CN\n0.0.0.3,0.0.0.4,CN\n0.0.0.5,0.0.0.6,HK\n0.0.0.7,0.0.0.7,CN\r\n0.0.0.8,0.0.0.9,CNX\n';
  expect(rangesOfSet(countryRanges(4, csv, 'CN'))).toEqual([
    [1n, 4n],
    [7n, 7n],
  ]);
});

test('IPv6', () => {
  expect(rangesOfSet(countryRanges(6, '::5,::1:0,CN\n', 'CN'))).toEqual([[5n, 0x10000n]]);
});

describe('a source of another form is an error, not a guess', () => {
  test.each([
    ['no such country', '1.0.0.0,1.0.0.255,AU'],
    ['empty', ''],
    ['numbers for addresses', '16777472,16778239,CN'],
    ['the other family', '2001:250::,2001:250::ff,CN'],
    ['one address', '1.0.1.0,CN'],
    ['three addresses', '1.0.1.0,1.0.1.1,1.0.1.2,CN'],
    ['backwards', '1.0.3.255,1.0.1.0,CN'],
  ])('%s', (_, csv) => expect(() => countryRanges(4, csv, 'CN')).toThrow(CsvError));
});

test('the version holds the date', () => {
  expect(dateOfVersion('2.3.2026061719')).toBe('2026-06-17');
  expect(() => dateOfVersion('2.3.4')).toThrow(CsvError);
});
