import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { lend } from '../../../../ffi/memory.ts';
import { Secret } from '../../../../src/base/secret.ts';
import { STREAM_METHODS, type StreamMethod } from '../../../../src/config/shadowsocks_methods.ts';
import { parseAddress } from '../../../../src/net/address.ts';
import { Outbox, SessionError, type Session } from '../../../../src/net/session.ts';
import { parseTarget } from '../../../../src/net/target.ts';
import { masterKey } from '../../../../src/upstream/shadowsocks/key.ts';
import { decryptor, encryptor } from '../../../../src/upstream/shadowsocks/stream/cipher.ts';
import { STREAM_SIZES } from '../../../../src/upstream/shadowsocks/stream/methods.ts';
import { streamTunnels } from '../../../../src/upstream/shadowsocks/stream/stream.ts';
import file from '../../../vectors/shadowsocks_stream.json';

const PLAIN = Buffer.from(file.plain, 'hex');
const TARGET = { address: parseAddress('192.0.2.1')!, port: 443 };
const vectors = file.vectors as readonly { method: StreamMethod; iv: string; wire: string }[];

/** Cuts where the numbers say, and puts what comes of the pieces together. */
function inPieces(bytes: Uint8Array, cuts: readonly number[], through: (piece: Uint8Array) => Uint8Array) {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const pieces = at.slice(1).map((end, i) => Buffer.from(through(bytes.subarray(at[i], end))));
  return Buffer.concat(pieces);
}

function run(session: Session, verb: 'seal' | 'open', bytes: Uint8Array): Uint8Array {
  const out = new Outbox();
  lend(bytes, (span) => session[verb](span, 0, bytes.length, out));
  return out.bytes.slice(0, out.end);
}

const sessionOf = (method: StreamMethod) => streamTunnels(method, new Secret(file.password))(TARGET).session!;

test('every method has its vector', () => {
  expect(vectors.map(({ method }) => method).toSorted()).toEqual([...STREAM_METHODS].toSorted());
});

describe.each([...vectors])('$method', ({ method, iv, wire }) => {
  const key = masterKey(file.password, STREAM_SIZES[method].keySize);

  test('gives the bytes of the vector both ways, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 8 }), (cuts) => {
        const ivBytes = Buffer.from(iv, 'hex');
        const there = inPieces(PLAIN, cuts, encryptor(method, key, ivBytes));
        expect(there.toString('hex')).toBe(wire);
        const back = inPieces(there, cuts, decryptor(method, key, ivBytes));
        expect(back.equals(PLAIN)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('sends an IV of its own, the target, and the client’s bytes behind it', () => {
    const sealed = [0, 1].map(() => {
      const session = sessionOf(method);
      return Buffer.concat([
        run(session, 'seal', Buffer.from('hello')),
        run(session, 'seal', Buffer.from(' world')),
      ]);
    });
    const { ivSize } = STREAM_SIZES[method];
    expect(sealed[0]!.subarray(0, ivSize).equals(sealed[1]!.subarray(0, ivSize))).toBe(false);
    for (const bytes of sealed) {
      const plain = Buffer.from(decryptor(method, key, bytes.subarray(0, ivSize))(bytes.subarray(ivSize)));
      const { target, size } = parseTarget(plain)!;
      expect(target).toEqual(TARGET);
      expect(plain.subarray(size).toString()).toBe('hello world');
    }
  });

  test('reads an answer cut anywhere, and tells one that ends within its IV', () => {
    const answer = Buffer.from(iv + wire, 'hex');
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 8 }), (cuts) => {
        const session = sessionOf(method);
        expect(inPieces(answer, cuts, (piece) => run(session, 'open', piece)).equals(PLAIN)).toBe(true);
        session.openEnd();
      }),
      { numRuns: 50 },
    );
    const cut = sessionOf(method);
    run(cut, 'open', answer.subarray(0, 3));
    expect(() => cut.openEnd()).toThrow(SessionError);
    sessionOf(method).openEnd();
  });
});
