import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { AnyKey } from '../../src/server/any_key.ts';
import { METHODS } from '../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../src/upstream/shadowsocks/shadowsocks.ts';
import { credentialsOf, fault, pattern, through } from '../upstream/shadowsocks/ends.ts';

const USERS = ['alice', 'bob', 'carol'];
const TARGET = { name: 'origin.example', port: 443 };
const SIZE = 40_000;

describe.each(['aes-256-gcm', '2022-blake3-chacha20-poly1305'] as const)('any key of %s', (name) => {
  const make = (user: string) =>
    createShadowsocksProtocol({ ...credentialsOf(METHODS[name], user), aead: 'auto' });
  const servers = USERS.map((user) => ({ user, protocol: make(user) }));
  const anyKey = () =>
    new AnyKey(servers.map(({ user, protocol }) => ({ user, session: () => protocol.serverSession() })));

  test.each(USERS)('tells that a client is %s, and speaks with it, however its bytes are cut', (user) => {
    const client = make(user);
    fc.assert(
      fc.property(
        fc.array(fc.nat(SIZE), { maxLength: 6 }),
        fc.array(fc.nat(120), { maxLength: 6 }),
        (far, near) => {
          const session = client.session(TARGET);
          const wire = through(session, 'seal', pattern(SIZE));
          const cuts = [...near, ...far].sort((a, b) => a - b);
          const any = anyKey();
          expect(any.user).toBeUndefined();
          expect(through(any, 'open', wire, cuts)).toEqual(Buffer.from(pattern(SIZE)));
          expect({ user: any.user, target: any.target }).toEqual({ user, target: TARGET });
          any.openEnd();
          const answer = through(any, 'seal', pattern(10));
          expect(through(session, 'open', answer)).toEqual(Buffer.from(pattern(10)));
          any.dispose();
        },
      ),
      { numRuns: 30 },
    );
  });

  test('of a replay it says so, not that nobody has the key', () => {
    const wire = through(make('bob').session(TARGET), 'seal', pattern(10));
    through(anyKey(), 'open', wire);
    const again = anyKey();
    expect(fault(() => through(again, 'open', wire))).toEqual({
      status: 'ERR_PROTOCOL',
      message: 'a connection with this salt was there before',
    });
    expect(again.target).toBeUndefined();
    again.dispose();
  });

  test('nobody has the key', () => {
    const wire = through(make('mallory').session(TARGET), 'seal', pattern(10));
    const any = anyKey();
    expect(fault(() => through(any, 'open', wire))?.status).toBe('ERR_AEAD');
    expect({ user: any.user, target: any.target }).toEqual({ user: undefined, target: undefined });
  });

  test('an end within the first bytes', () => {
    const wire = through(make('bob').session(TARGET), 'seal', pattern(10));
    const any = anyKey();
    through(any, 'open', wire.subarray(0, 20));
    expect(fault(() => any.openEnd())?.status).toBe('ERR_TRUNCATED');
  });
});
