/** Both ends of a Shadowsocks connection as functions from bytes to bytes, cut wherever a test wants. */
import { lend, Pinned } from '../../../ffi/memory.ts';
import { Outbox, type Session } from '../../../src/net/session.ts';
import { PROVIDERS, type Aead, type Offer, type Provider } from '../../../src/upstream/shadowsocks/aead.ts';
import { masterKey } from '../../../src/upstream/shadowsocks/key.ts';
import { libcryptoAead } from '../../../src/upstream/shadowsocks/libcrypto.ts';
import { METHODS as BY_NAME, type Method } from '../../../src/upstream/shadowsocks/methods.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import { nodeAead } from '../../../src/upstream/shadowsocks/node.ts';
import type { Suite } from '../../../src/upstream/shadowsocks/suite.ts';

/** Bytes of the longest target: ATYP, length, 255 of name, port. */
export const TARGET_LIMIT = 1 + 1 + 255 + 2;

export const METHODS: readonly Method[] = Object.values(BY_NAME);

const OFFERS: Readonly<Record<Provider, (method: Method) => Offer>> = {
  libcrypto: libcryptoAead,
  node: nodeAead,
  noble: (method) => ({ aead: nobleAead(method), detail: '' }),
};

/** Every provider that this machine has, with every method that it has. */
export const AEADS: readonly { provider: Provider; method: Method; aead: Aead }[] = PROVIDERS.flatMap(
  (provider) =>
    METHODS.flatMap((method) => {
      const offer = OFFERS[provider](method);
      return 'aead' in offer ? [{ provider, method, aead: offer.aead }] : [];
    }),
);

/** The fastest AEAD here for a method: for tests that are not about the cipher. */
export function fastest(method: Method): Aead {
  return AEADS.find((each) => each.method === method)!.aead;
}

/** A suite whose salts are 00 01 02 …, as those of the vectors. */
export function suiteOf(method: Method, aead: Aead = fastest(method), password = 'test'): Suite {
  return {
    method,
    aead,
    masterKey: masterKey(password, method.keySize),
    fillSalt: (salt) => salt.forEach((_, i) => (salt[i] = i)),
  };
}

/** Byte i is i * 31, as in the vectors. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => i * 31);
}

const outbox = new Outbox();

/** What a session makes of `input`, given in pieces that end at `cuts` (sorted offsets; any may repeat). */
export function through(
  session: Pick<Session, 'seal' | 'open'>,
  verb: 'seal' | 'open',
  input: Uint8Array,
  cuts: readonly number[] = [],
): Uint8Array {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const to of [...cuts, input.length]) {
    outbox.end = 0;
    // A copy of its own for each piece, with a margin: as from a socket, and not at the span's beginning.
    const chunk = new Uint8Array(to - from + 3);
    chunk.set(input.subarray(from, to), 2);
    lend(chunk, (span) => session[verb](span, 2, 2 + to - from, outbox));
    pieces.push(outbox.bytes.slice(0, outbox.end));
    from = to;
  }
  return Buffer.concat(pieces);
}

export function pinned(bytes: Uint8Array, size: number = bytes.length + 1): Pinned {
  const span = new Pinned(size);
  span.bytes.set(bytes);
  return span;
}
