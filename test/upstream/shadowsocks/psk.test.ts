import { expect, test } from 'bun:test';
import { Psk } from '../../../src/upstream/shadowsocks/psk.ts';
import vectors from '../../vectors/shadowsocks_2022.json';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (of: Uint8Array) => Buffer.from(of).toString('hex');

test.each(vectors.derivations)('what is derived from $key', (vector) => {
  const [psk, next] = [new Psk(bytes(vector.key)), new Psk(bytes(vector.next))];
  const salt = bytes(vector.salt);
  expect(hex(psk.sessionKey(salt))).toBe(vector.session);
  expect(hex(psk.hash)).toBe(vector.hash);
  const header = psk.identityHeader(salt, next);
  expect(hex(header)).toBe(vector.identityHeader);
  expect(hex(psk.identityHash(salt, header))).toBe(hex(next.hash));
});

test('deriving once leaves nothing behind for the next time', () => {
  const [vector] = vectors.derivations;
  const psk = new Psk(bytes(vector!.key));
  psk.sessionKey(new Uint8Array(16).fill(1));
  psk.identityHeader(new Uint8Array(16).fill(2), psk);
  const keys = [1, 2].map(() => psk.sessionKey(bytes(vector!.salt)));
  expect(keys.map(hex)).toEqual([vector!.session, vector!.session]);
  expect(keys[0]).not.toBe(keys[1]);
});
