import { expect, test } from 'bun:test';
import { masterKey, subkey } from '../../../src/upstream/shadowsocks/key.ts';
import vectors from '../../vectors/shadowsocks.json';

test.each(vectors.keys)('EVP_BytesToKey of $password, $size bytes', ({ password, size, key }) => {
  expect(Buffer.from(masterKey(password, size)).toString('hex')).toBe(key);
});

test.each(vectors.streams.filter(({ payload }) => payload === 0))('subkey of $method', (vector) => {
  const salt = Buffer.from(vector.salt, 'hex');
  const key = subkey(masterKey(vector.password, salt.length), salt);
  expect(Buffer.from(key).toString('hex')).toBe(vector.subkey);
});
