/** The same cases for every provider: hono's "common case" tests for an interface. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { Pinned } from '../../../ffi/memory.ts';
import { TAG_SIZE } from '../../../src/upstream/shadowsocks/methods.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import vectors from '../../vectors/shadowsocks.json';
import { AEADS, pattern, pinned } from './ends.ts';

/** Of the 2022 edition. */
const LONGEST = 0xffff;

test('noble has every cipher, and this machine has something faster for AES-GCM', () => {
  const found = AEADS.map(({ provider, cipher }) => `${provider} ${cipher.name}`);
  expect(found).toContain('noble xchacha20-ietf-poly1305');
  expect(found).toContain('node aes-256-gcm');
});

describe.each(AEADS.map((each) => [`${each.provider} ${each.cipher.name}`, each] as const))(
  '%s',
  (_, each) => {
    const { aead, cipher } = each;

    test('gives the bytes of independent implementations, and takes them back', () => {
      const records = vectors.records.filter((record) => record.method === cipher.name);
      expect(records.length).toBeGreaterThan(20);
      for (const { key: keyHex, sequence, size, tag, sealed, sha256 } of records) {
        const key = Buffer.from(keyHex, 'hex');
        const [wire, back] = [new Pinned(size + TAG_SIZE), new Pinned(size + 1)];
        aead.seal(key, sequence, pinned(pattern(size)), 0, size, wire, 0);
        const bytes = Buffer.from(wire.bytes);
        expect(bytes.subarray(size).toString('hex')).toBe(tag);
        if (sealed !== undefined) expect(bytes.toString('hex')).toBe(sealed);
        else expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
        expect(aead.open(key, sequence, wire, 0, size, back, 0)).toBe(true);
        expect(back.bytes.subarray(0, size)).toEqual(pattern(size));
      }
    });

    test('equals noble on random records at random places, whatever the order of keys', () => {
      const reference = nobleAead(cipher);
      const keys = [1, 2, 3].map((n) => new Uint8Array(cipher.keySize).fill(n));
      const record = fc.record({
        key: fc.constantFrom(...keys),
        sequence: fc.oneof(fc.nat(), fc.maxSafeNat()),
        plain: fc.uint8Array({ maxLength: 100 }),
        from: fc.nat(20),
        to: fc.nat(20),
      });
      fc.assert(
        fc.property(fc.array(record, { maxLength: 6 }), (records) => {
          for (const { key, sequence, plain, from, to } of records) {
            const src = new Pinned(from + plain.length + 1);
            src.bytes.set(plain, from);
            const size = to + plain.length + TAG_SIZE + 4;
            const [mine, noble, back] = [new Pinned(size), new Pinned(size), new Pinned(size)];
            aead.seal(key, sequence, src, from, plain.length, mine, to);
            reference.seal(key, sequence, src, from, plain.length, noble, to);
            // The bytes around the record, too: nobody wrote there.
            expect(mine.bytes).toEqual(noble.bytes);
            expect(aead.open(key, sequence, noble, to, plain.length, back, to)).toBe(true);
            expect(back.bytes.slice(to)).toEqual(pinned(plain, size - to).bytes);
          }
        }),
        { numRuns: 60 },
      );
    });

    test('refuses a record with any bit changed, wipes the place, and works on', () => {
      const key = new Uint8Array(cipher.keySize).fill(7);
      const [size, sequence] = [21, 5];
      const sealed = new Pinned(size + TAG_SIZE);
      aead.seal(key, sequence, pinned(pattern(size)), 0, size, sealed, 0);
      for (let i = 0; i < sealed.bytes.length; i++) {
        const out = pinned(new Uint8Array(size + 8).fill(0xaa));
        sealed.bytes[i]! ^= 1 << (i % 8);
        expect(aead.open(key, sequence, sealed, 0, size, out, 4)).toBe(false);
        expect(out.bytes.slice(0, 4)).toEqual(new Uint8Array(4).fill(0xaa));
        expect(out.bytes.slice(4, 4 + size)).toEqual(new Uint8Array(size));
        expect(out.bytes.slice(4 + size, 8 + size)).toEqual(new Uint8Array(4).fill(0xaa));
        sealed.bytes[i]! ^= 1 << (i % 8);
      }
      const back = new Pinned(size);
      expect(aead.open(key, sequence + 1, sealed, 0, size, back, 0)).toBe(false);
      expect(aead.open(key, sequence, sealed, 0, size, back, 0)).toBe(true);
      expect(back.bytes).toEqual(pattern(size));
    });

    test('throws where a record does not lie within its buffers', () => {
      const key = new Uint8Array(cipher.keySize);
      expect(() => aead.seal(key, 0, pinned(pattern(9)), 0, 5, new Pinned(20), 0)).toThrow(RangeError);
      expect(() => aead.open(key, 0, new Pinned(20), 0, 5, new Pinned(9), 0)).toThrow(RangeError);
    });

    test('carries a record of the greatest length', () => {
      const key = new Uint8Array(cipher.keySize).fill(9);
      const [sealed, back] = [new Pinned(LONGEST + TAG_SIZE), new Pinned(LONGEST)];
      aead.seal(key, 2 ** 40, pinned(pattern(LONGEST)), 0, LONGEST, sealed, 0);
      expect(aead.open(key, 2 ** 40, sealed, 0, LONGEST, back, 0)).toBe(true);
      expect(Buffer.compare(back.bytes, pattern(LONGEST))).toBe(0);
    });
  },
);
