/** The one entry: from credentials to sessions that share what they must. */
import { describe, expect, test } from 'bun:test';
import { Secret } from '../../../src/base/secret.ts';
import { masterKey } from '../../../src/upstream/shadowsocks/key.ts';
import { METHODS, type Method } from '../../../src/upstream/shadowsocks/methods.ts';
import {
  createShadowsocksProtocol,
  type Credentials,
} from '../../../src/upstream/shadowsocks/shadowsocks.ts';
import { credentialsOf, fault, METHODS as ALL, pattern, through } from './ends.ts';

const target = { name: 'origin.example', port: 443 };
const make = (credentials: Credentials) => createShadowsocksProtocol({ ...credentials, aead: 'auto' });
const named = ALL.map((method) => [method.name, method] as const);

describe.each(named)('%s', (_, method: Method) => {
  test('a connection is taken once, by whichever session of the server it comes to', () => {
    const [client, server] = [make(credentialsOf(method)), make(credentialsOf(method))];
    const first = through(client.session(target), 'seal', pattern(100));
    expect(through(server.serverSession(), 'open', first)).toEqual(Buffer.from(pattern(100)));
    expect(fault(() => through(server.serverSession(), 'open', first))).toEqual({
      status: 'ERR_PROTOCOL',
      message: 'a connection with this salt was there before',
    });
    const second = through(client.session(target), 'seal', pattern(100));
    expect(through(server.serverSession(), 'open', second)).toEqual(Buffer.from(pattern(100)));
  });

  test("what the server has said is not taken for what a client says, whoever's words were in it", () => {
    const [client, server] = [make(credentialsOf(method)), make(credentialsOf(method))];
    const session = server.serverSession();
    through(session, 'open', through(client.session(target), 'seal', pattern(100)));
    // A site that answers with a target's bytes: 192.0.2.1:80.
    const answer = through(session, 'seal', Uint8Array.of(1, 192, 0, 2, 1, 0, 80, 0, 0, 0, 0));
    const probed = server.serverSession();
    const { status, message } = fault(() => through(probed, 'open', answer))!;
    expect({ status, target: probed.target }).toEqual({
      status: method.edition === 2017 ? 'ERR_PROTOCOL' : 'ERR_AEAD',
      target: undefined,
    });
    if (method.edition === 2017) expect(message).toBe('a connection with this salt was there before');
  });

  test('whoever has another password, or key, is not understood', () => {
    const wire = through(make(credentialsOf(method, 'another')).session(target), 'seal', pattern(100));
    const server = make(credentialsOf(method)).serverSession();
    expect(fault(() => through(server, 'open', wire))?.status).toBe('ERR_AEAD');
  });
});

test('a key in place of the password that it would be made from', () => {
  const method = METHODS['aes-192-gcm'];
  const client = make({ method, key: masterKey('correct horse', 24) });
  const server = make({ method, password: new Secret('correct horse') });
  const wire = through(client.session(target), 'seal', pattern(100));
  expect(through(server.serverSession(), 'open', wire)).toEqual(Buffer.from(pattern(100)));
});

test('a key of the wrong length', () => {
  expect(() => make({ method: METHODS['aes-192-gcm'], key: pattern(16) })).toThrow(
    'a key of 16 bytes for aes-192-gcm',
  );
});

test('the clock is the real one', () => {
  const credentials = credentialsOf(METHODS['2022-blake3-aes-256-gcm']);
  const wire = through(make(credentials).session(target), 'seal', pattern(100));
  const { now } = Date;
  const server = make(credentials).serverSession();
  try {
    Date.now = () => now() + 40_000;
    const late = make(credentials).serverSession();
    expect(fault(() => through(late, 'open', wire))?.message).toMatch(
      /^the client's clock differs by (39|40|41) s/,
    );
  } finally {
    Date.now = now;
  }
  expect(fault(() => through(server, 'open', wire))).toBeUndefined();
});
