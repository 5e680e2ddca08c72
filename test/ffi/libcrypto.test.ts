import { describe, expect, test } from 'bun:test';
import { createCipheriv } from 'node:crypto';
import { openLibcrypto } from '../../ffi/libcrypto.ts';
import { lend, Pinned } from '../../ffi/memory.ts';

const TAG = 16;
const library = openLibcrypto();
if (!library) process.stderr.write('SKIPPED: libcrypto contexts: this system has no libcrypto\n');

test('a library that is not there is no error, and each name says why', () => {
  const reasons: string[] = [];
  expect(openLibcrypto(reasons, ['libcrypto.so.0', 'libnone.so'])).toBeUndefined();
  expect(reasons).toHaveLength(2);
  expect(reasons[0]).toContain('libcrypto.so.0');
});

test('a library without the EVP functions is not taken', () => {
  const reasons: string[] = [];
  expect(openLibcrypto(reasons, ['libc.so.6'])).toBeUndefined();
  expect(reasons).toHaveLength(1);
});

test('a system without candidates says so', () => {
  const reasons: string[] = [];
  expect(openLibcrypto(reasons, [])).toBeUndefined();
  expect(reasons).toEqual(['this system has no libcrypto for other programs']);
});

describe.skipIf(!library)('contexts', () => {
  const key = new Uint8Array(32).fill(3);
  const nonce = new Uint8Array(12).fill(4);
  const context = (direction: 'seal' | 'open', cipher = 'aes-256-gcm') =>
    library!.context(cipher, 32, direction);
  const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7);

  function expected(plain: Uint8Array, cipherKey = key): Buffer {
    const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  test('the library names itself', () => {
    expect(library!.version).toMatch(/^OpenSSL [13]\./);
  });

  test('a cipher that it lacks', () => {
    expect(() => context('seal', 'aes-256-rot13')).toThrow('libcrypto has no aes-256-rot13');
  });

  test.each([0, 1, 15, 16, 17, 999, 1000, 1001, 16_383])(
    '%i bytes, lent and pinned, as node:crypto seals them',
    (size) => {
      const [sealing, opening] = [context('seal'), context('open')];
      sealing.setKey(key);
      opening.setKey(key);
      const [sealed, back] = [new Pinned(size + TAG), new Pinned(size + 1)];
      lend(bytes(size + 5), (span) => sealing.seal(nonce, span, 5, size, sealed, 0));
      const want = expected(bytes(size + 5).subarray(5));
      expect(Buffer.compare(sealed.bytes, want)).toBe(0);
      expect(lend(new Uint8Array(want), (span) => opening.open(nonce, span, 0, size, back, 0))).toBe(true);
      expect(Buffer.compare(back.bytes.subarray(0, size), bytes(size + 5).subarray(5))).toBe(0);
    },
  );

  test('nothing is written but the record', () => {
    const [sealing, opening] = [context('seal'), context('open')];
    sealing.setKey(key);
    opening.setKey(key);
    const plain = new Pinned(100);
    for (const size of [0, 1, 16, 61]) {
      const [sealed, back] = [new Pinned(size + TAG + 64), new Pinned(size + 64)];
      sealed.bytes.fill(0xa5);
      back.bytes.fill(0xa5);
      sealing.seal(nonce, plain, 0, size, sealed, 32);
      opening.open(nonce, sealed, 32, size, back, 32);
      const around = [
        sealed.bytes.slice(0, 32),
        sealed.bytes.slice(-32),
        back.bytes.slice(0, 32),
        back.bytes.slice(-32),
      ];
      for (const canary of around) expect(canary).toEqual(new Uint8Array(32).fill(0xa5));
    }
  });

  test('a forged tag is refused, and the context works on', () => {
    const opening = context('open');
    opening.setKey(key);
    const sealed = new Pinned(30 + TAG);
    sealed.bytes.set(expected(bytes(30)));
    const back = new Pinned(30);
    for (let i = 0; i < 1000; i++) {
      sealed.bytes[45]! ^= 1;
      expect(opening.open(nonce, sealed, 0, 30, back, 0)).toBe(false);
      sealed.bytes[45]! ^= 1;
      expect(opening.open(nonce, sealed, 0, 30, back, 0)).toBe(true);
    }
    expect(back.bytes).toEqual(new Uint8Array(bytes(30)));
  });

  test('a key set anew replaces the one before', () => {
    const sealing = context('seal');
    const sealed = new Pinned(30 + TAG);
    const plain = new Pinned(30);
    for (const fill of [1, 2, 1]) {
      const other = new Uint8Array(32).fill(fill);
      sealing.setKey(other);
      sealing.seal(nonce, plain, 0, 30, sealed, 0);
      expect(Buffer.compare(sealed.bytes, expected(plain.bytes, other))).toBe(0);
    }
  });

  test('sizes are checked before C sees them', () => {
    const [sealing, opening] = [context('seal'), context('open')];
    expect(() => sealing.setKey(new Uint8Array(16))).toThrow(RangeError);
    sealing.setKey(key);
    opening.setKey(key);
    const span = new Pinned(64);
    expect(() => sealing.seal(new Uint8Array(11), span, 0, 8, new Pinned(64), 0)).toThrow(RangeError);
    expect(() => sealing.seal(nonce, span, 60, 8, new Pinned(64), 0)).toThrow(RangeError);
    expect(() => sealing.seal(nonce, span, 0, 8, new Pinned(23), 0)).toThrow(RangeError);
    expect(() => sealing.seal(nonce, span, -1, 8, new Pinned(64), 0)).toThrow(RangeError);
    expect(() => opening.open(nonce, span, 41, 8, new Pinned(64), 0)).toThrow(RangeError);
    expect(() => opening.open(nonce, span, 0, 8, new Pinned(7), 0)).toThrow(RangeError);
    expect(() => opening.open(nonce, span, 0, Number.NaN, new Pinned(64), 0)).toThrow(RangeError);
  });

  test('without a key it fails aloud', () => {
    expect(() => context('seal').seal(nonce, new Pinned(8), 0, 8, new Pinned(64), 0)).toThrow(
      /EVP_\w+ failed/,
    );
  });
});
