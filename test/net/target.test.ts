import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { SessionError } from '../../src/net/session.ts';
import { encodeTarget, isHostName, parseTarget, type Target } from '../../src/net/target.ts';
import { TARGET_LIMIT } from '../upstream/shadowsocks/ends.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 1, max: 65535 });
const targets: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ address: fc.record({ family: fc.constant(4 as const), bytes: bytesOf(4) }), port }),
  fc.record({ address: fc.record({ family: fc.constant(6 as const), bytes: bytesOf(16) }), port }),
  fc.record({ name: fc.domain(), port }),
);

/** As somebody may send it who doesn't look what is in a name. */
const nameBytes = (text: string) =>
  Buffer.concat([Uint8Array.of(3, text.length), Buffer.from(text, 'latin1'), Uint8Array.of(0, 80)]);

test.each([
  [{ address: parseAddress('1.2.3.4')!, port: 443 }, '010102030401bb'],
  [{ address: parseAddress('2001:db8::1')!, port: 80 }, '0420010db80000000000000000000000010050'],
  [{ name: 'a.example', port: 65535 }, '0309612e6578616d706c65ffff'],
] as const)('%#: the wire form', (target, hex) => {
  expect(Buffer.from(encodeTarget(target)).toString('hex')).toBe(hex);
});

test('what is encoded is parsed again, as soon as all bytes are there and not before', () => {
  fc.assert(
    fc.property(targets, fc.uint8Array({ maxLength: 20 }), (target, rest) => {
      const wire = encodeTarget(target);
      expect(wire.length).toBeLessThanOrEqual(TARGET_LIMIT);
      for (let i = 0; i < wire.length; i++) expect(parseTarget(wire.subarray(0, i))).toBeUndefined();
      expect(parseTarget(Buffer.concat([wire, rest]))).toEqual({ target, size: wire.length });
    }),
  );
});

test('the text of an address in the place of a name is that address', () => {
  for (const text of ['192.0.2.7', '2001:db8::7']) {
    const parsed = parseTarget(nameBytes(text));
    expect(parsed && 'address' in parsed.target && formatAddress(parsed.target.address)).toBe(text);
  }
});

describe('refused', () => {
  test.each([
    ['type 0', Uint8Array.of(0)],
    ['type 2', Uint8Array.of(2, 1, 2, 3, 4, 0, 80)],
    ['the one-time-auth flag of old', Uint8Array.of(0x11, 1, 2, 3, 4, 0, 80)],
    ['an empty name', Uint8Array.of(3, 0)],
    ['port 0', Uint8Array.of(1, 1, 2, 3, 4, 0, 0)],
    ['a NUL in the name', nameBytes('a\0b')],
    ['a line break in the name', nameBytes('a\r\nHost: b')],
    ['a slash in the name', nameBytes('a/b')],
    ['a space in the name', nameBytes('a b')],
    ['a name that is not ASCII', nameBytes('\xe4.example')],
  ])('%s', (_, wire) => {
    expect(() => parseTarget(wire)).toThrow(SessionError);
  });

  test('random bytes: a target, more bytes wanted, or a SessionError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(1, 3, 4, undefined), (bytes, type) => {
        if (type !== undefined && bytes.length > 0) bytes[0] = type;
        try {
          const parsed = parseTarget(bytes);
          if (parsed) expect(parsed.size).toBeLessThanOrEqual(bytes.length);
          else expect(bytes.length).toBeLessThan(TARGET_LIMIT);
        } catch (error) {
          expect(error).toBeInstanceOf(SessionError);
        }
      }),
    );
  });

  test.each(['', 'x'.repeat(256), 'a\r\nb', 'a\n', 'a b', 'a/b', 'b\u00fccher.example', '2001:db8::7'])(
    'a name that can not be encoded: %p',
    (name) => {
      expect(isHostName(name)).toBe(false);
      expect(() => encodeTarget({ name, port: 1 })).toThrow(RangeError);
    },
  );
});
