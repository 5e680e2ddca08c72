import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatCidr } from '../../src/net/cidr.ts';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { parseBypass, parseHost } from '../../src/config/host.ts';
import { Fault } from '../../src/config/leaf.ts';
import { didYouMean, distance, nearest } from '../../src/config/nearest.ts';
import { parseMethod, SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { METHODS } from '../../src/upstream/shadowsocks/methods.ts';

describe('durations', () => {
  test.each([
    ['20ms', 20],
    ['10s', 10_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['576h', 2_073_600_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '10', '-1s', '1.5s', '1 s', '1S', '1d', '01s', '0s', '577h', '9999999999h', 's'])(
    '%p is none',
    (text) => {
      expect(parseDuration(text)).toBeInstanceOf(Fault);
    },
  );

  test('are read as they are written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_073_600_000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds), 0)).toBe(milliseconds);
      }),
    );
  });
});

describe('hosts', () => {
  test.each([
    ['example.com', 'example.com'],
    ['a_b.example.', 'a_b.example.'],
    ['localhost', 'localhost'],
    ['3.example', '3.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0::1', '2001:db8::1'],
  ])('%s is one', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  test.each([
    ['', undefined],
    ['-a.example', undefined],
    ['a..example', undefined],
    ['a b', undefined],
    ['1.2.3', undefined],
    ['1.2.3.256', undefined],
    [`${'a'.repeat(64)}.example`, undefined],
    [`${'a.'.repeat(127)}a`, undefined],
    ['[::1]', 'write an IPv6 address without brackets here'],
    ['a.example:80', 'the port has a key of its own'],
    ['münchen.example', 'write an international name in its ASCII form, xn--…'],
  ])('%p is none', (text, hint) => {
    expect(parseHost(text)).toMatchObject({ expected: 'a host name or an IP address', hint });
  });

  test('a bypass is a block, an address or a name', () => {
    const shown = ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32', 'a.example'].map((text) => {
      const entry = parseBypass(text);
      return typeof entry === 'string' || entry instanceof Fault ? entry : formatCidr(entry);
    });
    expect(shown).toEqual(['10.0.0.0/8', '192.0.2.1/32', '2001:db8::/32', 'a.example']);
  });

  test('host bits of a block are pointed out, with the block that was meant', () => {
    expect(parseBypass('2001:db8:ffff::1/33')).toMatchObject({
      hint: 'write "2001:db8:8000::/33", or "2001:db8:ffff::1"',
    });
  });
});

describe('methods', () => {
  test('are those of the upstream, by the same names', () => {
    expect(Object.keys(METHODS)).toEqual([...SHADOWSOCKS_METHODS]);
  });

  test.each([
    ...SHADOWSOCKS_METHODS.map((name) => [name, name] as const),
    ['AES-256-GCM', 'aes-256-gcm'],
    ['AEAD_AES_128_GCM', 'aes-128-gcm'],
    ['AEAD_AES_192_GCM', 'aes-192-gcm'],
    ['AEAD_AES_256_GCM', 'aes-256-gcm'],
    ['AEAD_CHACHA20_POLY1305', 'chacha20-ietf-poly1305'],
    ['chacha20-poly1305', 'chacha20-ietf-poly1305'],
    ['xchacha20-poly1305', 'xchacha20-ietf-poly1305'],
  ] as const)('%s is %s', (alias, name) => {
    expect(parseMethod(alias)).toBe(name);
  });

  test.each(['rc4-md5', 'aes-128-cfb', 'chacha20-ietf', 'none', '2022-blake3-aes-128-gcm', '', 'toString'])(
    '%p is none',
    (name) => {
      expect(parseMethod(name)).toBeInstanceOf(Fault);
    },
  );
});

describe('nearest', () => {
  const words = ['listen', 'scope', 'bypass', 'timeouts', 'warn'] as const;

  test.each([
    ['lisen', 'listen'],
    ['scpoe', 'scope'],
    ['Bypass', 'bypass'],
    ['timeout', 'timeouts'],
    ['warning', undefined],
    ['xyz', undefined],
    ['', undefined],
  ])('of %p is %p', (word, candidate) => {
    expect(nearest(word, words)).toBe(candidate as never);
  });

  test('is a question as a hint', () => {
    expect(didYouMean('lisen', words)).toBe('did you mean listen?');
    expect(didYouMean('warning', words)).toBe('did you mean warn?');
    expect(didYouMean('by', words)).toBeUndefined();
  });

  test('counts edits as a distance does', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, a)).toBe(0);
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(distance(a, `${a}x`)).toBe(1);
      }),
    );
  });
});
