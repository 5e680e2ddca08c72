/** Shadowsocks 2022 with several users (SIP023, identity headers), and keys that a method can't have. */
import { describe, expect, test } from 'bun:test';
import type { Target } from '../../../src/net/target.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { METHODS, type MethodName2022 } from '../../../src/upstream/shadowsocks/methods.ts';
import type { Keys } from '../../../src/upstream/shadowsocks/parts_2022.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import { fault, keyOf, pattern, suite2022, through } from './ends.ts';

const method = METHODS['2022-blake3-aes-256-gcm'];
const target: Target = { name: 'origin.example', port: 8080 };
const key = keyOf('a key', 32);

describe('identity headers', () => {
  const [server, relay, ann, bob] = ['server', 'relay', 'ann', 'bob'].map((name) => keyOf(name, 32)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const users = [
    { name: 'ann', key: ann },
    { name: 'bob', key: bob },
  ];
  const farEnd = () => new ServerSession(suite2022(method, { keys: [server], users }));
  const client = (keys: readonly Uint8Array[]) => new ClientSession(suite2022(method, { keys }), target);

  test.each(users)('$name is known, and answered with the own key', ({ name, key: own }) => {
    const [near, far] = [client([server, own]), farEnd()];
    const wire = through(near, 'seal', pattern(40));
    for (let cut = 0; cut <= wire.length; cut++) {
      const each = farEnd();
      expect(through(each, 'open', wire, [cut])).toEqual(Buffer.from(pattern(40)));
      expect(each.user).toBe(name);
      each.dispose();
    }
    through(far, 'open', wire);
    expect(through(near, 'open', through(far, 'seal', pattern(70)))).toEqual(Buffer.from(pattern(70)));
  });

  test.each([
    ['of nobody', [server, keyOf('eve', 32)]],
    ['to another server', [relay, ann]],
    ['for a relay on the way', [relay, server, ann]],
    ['left out', [ann]],
    ["and the server's own key for a user's", [server, server]],
  ])('%s: ERR_AEAD', (_, keys) => {
    const far = farEnd();
    expect(fault(() => through(far, 'open', through(client(keys), 'seal', pattern(40))))?.status).toBe(
      'ERR_AEAD',
    );
    expect(far.target).toBeUndefined();
  });

  test('a user is named only when the key has proved right', () => {
    const far = farEnd();
    const wire = through(client([server, ann]), 'seal', pattern(40));
    wire[32 + 16]! ^= 1;
    expect(fault(() => through(far, 'open', wire))?.status).toBe('ERR_AEAD');
    expect(far.user).toBeUndefined();
  });

  test('a server with one key refuses them', () => {
    const far = new ServerSession(suite2022(method, { keys: [server] }));
    expect(
      fault(() => through(far, 'open', through(client([server, ann]), 'seal', pattern(40))))?.status,
    ).toBe('ERR_AEAD');
  });
});

test.each<[string, MethodName2022, Keys]>([
  ['a key of 16 bytes for', '2022-blake3-aes-256-gcm', { keys: [new Uint8Array(16)] }],
  ['a key of 32 bytes for', '2022-blake3-aes-128-gcm', { keys: [new Uint8Array(32)] }],
  ['no key for', '2022-blake3-aes-128-gcm', { keys: [] }],
  [
    'a key of 3 bytes for',
    '2022-blake3-aes-256-gcm',
    { keys: [key], users: [{ name: 'a', key: pattern(3) }] },
  ],
  ['has no identity headers', '2022-blake3-chacha20-poly1305', { keys: [key, key] }],
  ['has no identity headers', '2022-blake3-chacha20-poly1305', { keys: [key], users: [] }],
])('%s %s', (message, name, keys) => {
  expect(() => suite2022(METHODS[name], keys)).toThrow(message);
});
