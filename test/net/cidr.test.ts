import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../src/net/address.ts';
import { formatCidr, hasHostBits, parseCidr } from '../../src/net/cidr.ts';
import { addressLike, cidr } from './arbitrary.ts';

describe('parseCidr', () => {
  test('reads what formatCidr wrote', () => {
    fc.assert(
      fc.property(cidr, (cidr) => {
        expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
      }),
    );
  });

  test('takes an address and a length that fits it, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(addressLike, fc.ipV4(), fc.ipV6()),
        fc.oneof(addressLike, fc.nat(140).map(String)),
        (host, length) => {
          const address = parseAddress(host);
          const bits = address?.family === 4 ? 32 : 128;
          const valid = address !== undefined && /^\d+$/.test(length) && String(Number(length)) === length;
          expect(parseCidr(`${host}/${length}`)).toEqual(
            valid && Number(length) <= bits ? { address, prefix: Number(length) } : undefined,
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('takes a bare address for a block of one', () => {
    expect(parseCidr('192.0.2.1')?.prefix).toBe(32);
    expect(parseCidr('2001:db8::1')?.prefix).toBe(128);
  });

  test.each([
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/255.0.0.0',
    '::/129',
    '10.0.0.0 /8',
    '10.0.0.0/ 8',
    '10/8',
    'example.net/8',
  ])('refuses %p', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

describe('hasHostBits', () => {
  test('is whether any bit after the prefix is set', () => {
    fc.assert(
      fc.property(cidr, (cidr) => {
        const bits = Array.from(cidr.address.bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
        expect(hasHostBits(cidr)).toBe(bits.slice(cidr.prefix).includes('1'));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['192.0.2.7/24', true],
    ['192.0.2.0/24', false],
    ['0.0.0.0/0', false],
    ['0.0.0.1/0', true],
    ['128.0.0.0/0', true],
    ['255.255.255.255/32', false],
    ['2001:db8::/32', false],
    ['2001:db8::1/32', true],
    ['2001:db8:0:0:8000::/64', true],
    ['2001:db8::1/128', false],
  ])('of %s is %p', (text, expected) => {
    expect(hasHostBits(parseCidr(text)!)).toBe(expected);
  });
});
