import { describe, expect, test } from 'bun:test';
import { isIPv4, isIPv6 } from 'node:net';
import * as fc from 'fast-check';
import {
  formatAddress,
  formatEndpoint,
  formatHostPort,
  isLinkLocal,
  isLoopback,
  parseAddress,
  parsePort,
  sameAddress,
  unmapped,
} from '../../src/net/address.ts';
import { address, addressLike, addressOf } from './arbitrary.ts';

const RUNS = { numRuns: 2000 };

/**
 * Another implementation's canonical form; it differs from RFC 5952 §5 in IPv4-mapped addresses only.
 * A dotted end is rewritten first: Bun 1.4.5 calls `::1:2:3:4:1.2.3.4` invalid, which it is not.
 */
function byUrl(text: string): string {
  const hex = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(256 * a + b).toString(16)}:${(256 * c + d).toString(16)}`;
  });
  return new URL(`http://[${hex}]/`).hostname.slice(1, -1);
}

describe('parseAddress', () => {
  test('takes and refuses what node:net does', () => {
    const accepted = { v4: 0, v6: 0 };
    fc.assert(
      fc.property(fc.oneof(addressLike, fc.ipV4(), fc.ipV6(), fc.ipV4Extended(), fc.string()), (text) => {
        // node:net takes a zone, which names nothing outside of one machine.
        const family = isIPv4(text) ? 4 : isIPv6(text) && !text.includes('%') ? 6 : undefined;
        expect(parseAddress(text)?.family).toBe(family);
        if (family !== undefined) accepted[`v${family}`]++;
      }),
      RUNS,
    );
    expect(Math.min(accepted.v4, accepted.v6)).toBeGreaterThan(100);
  });

  test('reads IPv6 text as URL does', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const { bytes } = parseAddress(text)!;
        expect(byUrl(Buffer.from(bytes).toString('hex').match(/.{4}/g)!.join(':'))).toBe(byUrl(text));
      }),
      RUNS,
    );
  });

  test.each([
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['192.0.2.1', 'c0000201'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['2001:DB8::A', '20010db800000000000000000000000a'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201'],
    ['1:2:3:4:5:6:192.0.2.1', '000100020003000400050006c0000201'],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', '00000000000000000000ffffffffffff'],
  ])('reads %s', (text, hex) => {
    expect(Buffer.from(parseAddress(text)!.bytes).toString('hex')).toBe(hex);
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.',
    '.1.2.3.4',
    '1.2.3.04',
    '1.2.3.256',
    '1.2.3.1e1',
    '0x1.2.3.4',
    '1.2.3.4\n',
    ' 1.2.3.4',
    '+1.2.3.4',
    '١.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '12345::',
    'g::',
    '::1%lo',
    '[::1]',
    '::1/128',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '::1.2.3',
    '1:2:3:4:5:6:7:1.2.3.4',
  ])('refuses %p', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('formatAddress', () => {
  test('is read back as the same address', () => {
    fc.assert(
      fc.property(address, (address) => {
        expect(sameAddress(parseAddress(formatAddress(address))!, address)).toBe(true);
      }),
      RUNS,
    );
  });

  test('writes IPv6 as URL does, but an IPv4-mapped address with dots', () => {
    fc.assert(
      fc.property(addressOf(6), (address) => {
        const text = formatAddress(address);
        const mapped = /^::ffff:\d+\.\d+\.\d+\.\d+$/.test(text);
        expect(mapped).toBe(unmapped(address).family === 4);
        expect(byUrl(text)).toBe(mapped ? byUrl(text) : text);
      }),
      RUNS,
    );
  });

  test('has the zone behind it', () => {
    expect(formatAddress({ ...parseAddress('fe80::1')!, zone: 'eth0' })).toBe('fe80::1%eth0');
    expect(formatEndpoint({ address: { ...parseAddress('fe80::1')!, zone: '2' }, port: 53 })).toBe(
      '[fe80::1%2]:53',
    );
  });

  // RFC 5952 §4
  test.each([
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::FFFF:C000:0201', '::ffff:192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
  ])('writes %s as %s', (text, canonical) => {
    expect(formatAddress(parseAddress(text)!)).toBe(canonical);
  });
});

describe('unmapped', () => {
  test('gives the IPv4 address, whose text is the end of the mapped one', () => {
    fc.assert(
      fc.property(addressOf(4), (v4) => {
        const mapped = parseAddress(`::ffff:${formatAddress(v4)}`)!;
        expect(mapped.family).toBe(6);
        expect(unmapped(mapped)).toEqual(v4);
        expect(unmapped(v4)).toBe(v4);
      }),
    );
  });

  test.each(['::1.2.3.4', '1::ffff:1.2.3.4', '64:ff9b::1.2.3.4', '::fffe:1.2.3.4', '::ff:1.2.3.4'])(
    'leaves %s alone',
    (text) => {
      const address = parseAddress(text)!;
      expect(unmapped(address)).toBe(address);
    },
  );
});

describe('sameAddress', () => {
  test('agrees with the text', () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(sameAddress(a, b)).toBe(formatAddress(a) === formatAddress(b));
        expect(sameAddress(a, { ...a, bytes: a.bytes.slice() })).toBe(true);
      }),
      RUNS,
    );
  });

  test('sees a difference in any one bit', () => {
    fc.assert(
      fc.property(address, fc.nat(), (a, at) => {
        const bytes = a.bytes.slice();
        const bit = at % (8 * bytes.length);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(sameAddress(a, { ...a, bytes })).toBe(false);
      }),
    );
  });

  test('tells an IPv4 address from the same bytes at the start of an IPv6 one', () => {
    expect(sameAddress(parseAddress('0.0.0.0')!, parseAddress('::')!)).toBe(false);
  });
});

describe('ports and endpoints', () => {
  test('every port and no other number is one', () => {
    for (let port = 1; port <= 65_535; port++)
      if (parsePort(String(port)) !== port) throw new Error(`${port}`);
    const others = [
      '0',
      '65536',
      '99999',
      '100000',
      '-1',
      '+1',
      '01',
      '1.0',
      '1e3',
      '',
      ' 1',
      '1 ',
      '0x50',
      '٣',
    ];
    expect(others.map(parsePort)).toEqual(others.map(() => undefined));
  });

  test('have brackets where the host has colons', () => {
    const endpoint = (text: string, port: number) => formatEndpoint({ address: parseAddress(text)!, port });
    expect(endpoint('192.0.2.1', 80)).toBe('192.0.2.1:80');
    expect(endpoint('2001:db8::1', 65_535)).toBe('[2001:db8::1]:65535');
    expect(endpoint('::ffff:1.2.3.4', 1)).toBe('[::ffff:1.2.3.4]:1');
    expect(formatHostPort('example.net', 8388)).toBe('example.net:8388');
  });
});

test.each([
  ['127.0.0.1', true, false],
  ['127.255.255.255', true, false],
  ['128.0.0.1', false, false],
  ['::1', true, false],
  ['::', false, false],
  ['1::1', false, false],
  ['fe80::1', false, true],
  ['febf:ffff::1', false, true],
  ['fec0::1', false, false],
  ['fe7f::1', false, false],
  ['254.128.0.1', false, false],
])('%s: of loopback: %p, link-local: %p', (text, loopback, linkLocal) => {
  const address = parseAddress(text)!;
  expect([isLoopback(address), isLinkLocal(address)]).toEqual([loopback, linkLocal]);
});

test('addresses in different zones are not the same', () => {
  const address = parseAddress('fe80::1')!;
  const inZone = (zone: string) => ({ ...address, zone });
  expect(sameAddress(inZone('a'), inZone('a'))).toBe(true);
  expect(sameAddress(inZone('a'), inZone('b'))).toBe(false);
  expect(sameAddress(inZone('a'), address)).toBe(false);
});
