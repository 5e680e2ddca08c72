/** Both ends of a Shadowsocks connection as functions from bytes to bytes, cut wherever a test wants. */
import { createHash } from 'node:crypto';
import { lend, Pinned } from '../../../ffi/memory.ts';
import { Secret } from '../../../src/base/secret.ts';
import { Outbox, SessionError, type Session } from '../../../src/net/session.ts';
import { PROVIDERS, type Aead, type Offer, type Provider } from '../../../src/upstream/shadowsocks/aead.ts';
import { createSuite2017 } from '../../../src/upstream/shadowsocks/edition_2017.ts';
import { createSuite2022 } from '../../../src/upstream/shadowsocks/edition_2022.ts';
import { masterKey } from '../../../src/upstream/shadowsocks/key.ts';
import { libcryptoAead } from '../../../src/upstream/shadowsocks/libcrypto.ts';
import {
  CIPHERS as CIPHERS_BY_NAME,
  METHODS as BY_NAME,
  type Cipher,
  type Method,
  type Method2022,
} from '../../../src/upstream/shadowsocks/methods.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import { nodeAead } from '../../../src/upstream/shadowsocks/node.ts';
import type { Keys } from '../../../src/upstream/shadowsocks/parts_2022.ts';
import type { Credentials } from '../../../src/upstream/shadowsocks/shadowsocks.ts';
import type { Suite, SuiteParts } from '../../../src/upstream/shadowsocks/suite.ts';

export const CIPHERS: readonly Cipher[] = Object.values(CIPHERS_BY_NAME);
/** Bytes of the longest target: ATYP, length, 255 of name, port. */
export const TARGET_LIMIT = 1 + 1 + 255 + 2;

export const METHODS: readonly Method[] = Object.values(BY_NAME);

const OFFERS: Readonly<Record<Provider, (cipher: Cipher) => Offer>> = {
  libcrypto: libcryptoAead,
  node: nodeAead,
  noble: (cipher) => ({ aead: nobleAead(cipher), detail: '' }),
};

/** Every provider that this machine has, with every cipher that it has. */
export const AEADS: readonly { provider: Provider; cipher: Cipher; aead: Aead }[] = PROVIDERS.flatMap(
  (provider) =>
    CIPHERS.flatMap((cipher) => {
      const offer = OFFERS[provider](cipher);
      return 'aead' in offer ? [{ provider, cipher, aead: offer.aead }] : [];
    }),
);

/** The fastest AEAD here for a method: for tests that are not about the cipher. */
export function fastest({ cipher }: Method): Aead {
  return AEADS.find((each) => each.cipher === cipher)!.aead;
}

/** Every provider that this machine has, with every method that it has the cipher for. */
export const STACKS = METHODS.flatMap((method) =>
  AEADS.filter(({ cipher }) => cipher === method.cipher).map(
    ({ provider, aead }) => [`${provider} ${method.name}`, { method, aead }] as const,
  ),
);

/** Milliseconds since 1970: when all connections of these tests are made. */
export const NOW = 1_700_000_000_000;

/** Salts are 00 01 02 …, as those of the vectors, and nobody minds that they repeat. */
const KNOWN: Omit<SuiteParts, 'aead'> = {
  fillRandom: (bytes) => bytes.forEach((_, i) => (bytes[i] = i)),
  admit: () => {},
};

/** A suite with known salts. @param password of the 2022 edition the key's, too */
export function suiteOf(
  method: Method,
  aead: Aead = fastest(method),
  password = 'test',
  parts: Partial<SuiteParts> = {},
): Suite {
  const { keySize } = method.cipher;
  const all = { ...KNOWN, aead, ...parts };
  if (method.edition === 2022) return suite2022(method, { keys: [keyOf(password, keySize)] }, all);
  return createSuite2017({ ...all, method, masterKey: masterKey(password, keySize) });
}

/** A suite of the 2022 edition, with its clock. */
export function suite2022(
  method: Method2022,
  keys: Keys,
  parts: Partial<SuiteParts> & { readonly now?: () => number } = {},
): Suite {
  return createSuite2022({ ...KNOWN, aead: fastest(method), now: () => NOW, method, ...keys, ...parts });
}

/** What both ends have in common whose password, or key, is called so. */
export function credentialsOf(method: Method, password = 'test'): Credentials {
  if (method.edition === 2017) return { method, password: new Secret(password) };
  return { method, keys: [keyOf(password, method.cipher.keySize)] };
}

/** A key that is nobody else's. */
export function keyOf(name: string, size: number): Uint8Array {
  return createHash('sha256').update(name).digest().subarray(0, size);
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

/** What a call throws of a session's errors. */
export function fault(run: () => unknown): { status: string; message: string } | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof SessionError) return { status: error.status, message: error.message };
    throw error;
  }
  return undefined;
}
