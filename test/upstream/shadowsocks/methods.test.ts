import { expect, test } from 'bun:test';
import { findMethod, METHOD_NAMES } from '../../../src/upstream/shadowsocks/methods.ts';

test('every name finds its own method, in any case', () => {
  for (const name of METHOD_NAMES) {
    expect(findMethod(name)?.name).toBe(name);
    expect(findMethod(name.toUpperCase())?.name).toBe(name);
  }
});

test.each([
  ['AEAD_AES_128_GCM', 'aes-128-gcm'],
  ['AEAD_AES_192_GCM', 'aes-192-gcm'],
  ['AEAD_AES_256_GCM', 'aes-256-gcm'],
  ['AEAD_CHACHA20_POLY1305', 'chacha20-ietf-poly1305'],
  ['chacha20-poly1305', 'chacha20-ietf-poly1305'],
  ['xchacha20-poly1305', 'xchacha20-ietf-poly1305'],
] as const)('%s is %s', (alias, name) => {
  expect(findMethod(alias)?.name).toBe(name);
});

test.each([
  '',
  'rc4-md5',
  'aes-256-cfb',
  '2022-blake3-aes-256-gcm',
  'constructor',
  '__proto__',
  'aes-256-gcm ',
])('%p is no method', (name) => {
  expect(findMethod(name)).toBeUndefined();
});
