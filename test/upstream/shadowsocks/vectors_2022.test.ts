/** Shadowsocks 2022: the bytes of independent implementations, at both ends. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { parseAddress } from '../../../src/net/address.ts';
import type { Target } from '../../../src/net/target.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { METHODS, type MethodName2022 } from '../../../src/upstream/shadowsocks/methods.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';
import vectors from '../../vectors/shadowsocks_2022.json';
import { pattern, STACKS, suite2022, through } from './ends.ts';

const TARGET: Target = { name: 'origin.example', port: 8080 };

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const saltFrom = (first: number) => (salt: Uint8Array) => salt.forEach((_, i) => (salt[i] = first + i));

const saysSame = (sealed: Uint8Array, { wire, sha256 }: { wire?: string; sha256: string }) => {
  if (wire !== undefined) expect(Buffer.from(sealed).toString('hex')).toBe(wire);
  expect(createHash('sha256').update(sealed).digest('hex')).toBe(sha256);
};

function targetOf([host, port]: readonly [string, number]): Target {
  const address = parseAddress(host);
  return address ? { address, port } : { name: host, port };
}

describe.each(STACKS.filter(([, each]) => each.method.edition === 2022))('%s', (_, each) => {
  const { aead } = each;
  const { name, saltSize } = each.method;
  const own = METHODS[name as MethodName2022];
  const requests = vectors.requests.filter((request) => request.method === name);
  const responses = vectors.responses.filter((response) => response.method === name);

  test('a client says what independent implementations say', () => {
    // What our client makes of the known random bytes 00 01.
    const paddings = (payload: number) => (payload === 0 ? 2 : payload < 900 ? 1 : 0);
    const ours = requests.filter(({ payload, padding }) => padding === paddings(payload));
    expect(ours.length).toBe(own.hasIdentities ? 10 : 6);
    for (const { keys, target: where, payload, ...said } of ours) {
      const client = new ClientSession(
        suite2022(own, { keys: keys.map(bytes) }, { aead }),
        targetOf(where as [string, number]),
      );
      saysSame(through(client, 'seal', pattern(payload)), said);
    }
  });

  test('a server understands what independent implementations say', () => {
    expect(requests.length).toBe(own.hasIdentities ? 14 : 10);
    for (const { keys: hex, target: where, payload, wire } of requests) {
      if (wire === undefined) continue;
      const keys = hex.map(bytes);
      const users = keys.length > 1 ? [{ name: 'last', key: keys.at(-1)! }] : undefined;
      const server = new ServerSession(suite2022(own, { keys: [keys.at(-2) ?? keys[0]!], users }, { aead }));
      // The headers before the last one have been taken out by relays.
      const request = bytes(wire);
      const relayed = Buffer.concat([
        request.subarray(0, saltSize),
        request.subarray(saltSize + 16 * Math.max(0, keys.length - 2)),
      ]);
      expect(through(server, 'open', relayed)).toEqual(Buffer.from(pattern(payload)));
      expect(server.target).toEqual(targetOf(where as [string, number]));
      expect(server.user).toBe(users && 'last');
    }
  });

  test('answers, both ways', () => {
    expect(responses.length).toBe(5);
    for (const { key: hex, payload, ...said } of responses) {
      const keys = [bytes(hex)];
      const client = new ClientSession(suite2022(own, { keys }, { aead, fillRandom: saltFrom(100) }), TARGET);
      const server = new ServerSession(suite2022(own, { keys }, { aead }));
      through(server, 'open', through(client, 'seal', new Uint8Array(0)));
      const sealed = through(server, 'seal', pattern(payload));
      saysSame(sealed, said);
      expect(Buffer.compare(through(client, 'open', sealed), pattern(payload))).toBe(0);
    }
  });
});
