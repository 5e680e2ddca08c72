import { describe, expect, test } from 'bun:test';
import { parseAddress } from '../../src/net/address.ts';
import { formatCidr, hasHostBits, parseCidr } from '../../src/net/cidr.ts';
import { contains } from '../../src/net/ranges.ts';
import { SPECIAL_NETS, specialRanges } from '../../src/route/special.ts';
import { fromBigInt, rangesOfSet, slowlyContains, toBigInt } from './slow_ranges.ts';

const ranges = specialRanges();

function isSpecial(text: string): boolean {
  const address = parseAddress(text)!;
  return contains(address.family === 4 ? ranges.v4 : ranges.v6, address);
}

test.each(SPECIAL_NETS.map(({ cidr }) => cidr))('%s is a block in canonical form', (cidr) => {
  const block = parseCidr(cidr);
  expect(block && formatCidr(block)).toBe(cidr === '::ffff:0:0/96' ? '::ffff:0.0.0.0/96' : cidr);
  expect(block && hasHostBits(block)).toBe(false);
});

test('no block is listed twice, each says where it comes from', () => {
  expect(new Set(SPECIAL_NETS.map(({ cidr }) => cidr)).size).toBe(SPECIAL_NETS.length);
  expect(SPECIAL_NETS.filter(({ source }) => !/^RFC \d/.test(source))).toEqual([]);
});

test('the ranges hold every block from its first to its last address, and nothing else', () => {
  for (const family of [4, 6] as const) {
    const blocks = SPECIAL_NETS.map(({ cidr }) => parseCidr(cidr)!)
      .filter(({ address }) => address.family === family)
      .map(({ address, prefix }): [bigint, bigint] => {
        const first = toBigInt(address);
        return [first, first + (1n << BigInt((family === 4 ? 32 : 128) - prefix)) - 1n];
      });
    const set = family === 4 ? ranges.v4 : ranges.v6;
    for (const edge of [...blocks, ...rangesOfSet(set)].flat()) {
      for (const value of [edge - 1n, edge, edge + 1n]) {
        const address = fromBigInt(family, value);
        if (address) expect(contains(set, address)).toBe(slowlyContains(blocks, value));
      }
    }
  }
});

describe('what people rely on', () => {
  test.each([
    '0.0.0.0',
    '10.255.255.255',
    '100.64.0.1',
    '127.0.0.53',
    '169.254.169.254',
    '172.31.255.255',
    '192.0.0.170',
    '192.168.1.1',
    // The Go program had 192.18.0.0/15 and 192.51.100.0/24 here.
    '198.18.0.1',
    '198.51.100.1',
    '224.0.0.251',
    '255.255.255.255',
    '::',
    '::1',
    '2001::1',
    '2001:1ff:ffff::1',
    'fd00::1',
    'fe80::1',
    'fec0::3',
    'ff02::fb',
  ])('%s goes straight out', (text) => expect(isSpecial(text)).toBe(true));

  test.each([
    '1.1.1.1',
    '8.8.8.8',
    '100.128.0.1',
    '172.32.0.1',
    '192.18.0.1',
    '192.51.100.1',
    '198.20.0.1',
    '223.255.255.255',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2606:4700:4700::1111',
    '64:ff9b::808:808',
  ])('%s does not', (text) => expect(isSpecial(text)).toBe(false));
});
