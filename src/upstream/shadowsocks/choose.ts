/** Which provider computes a cipher here: the fastest that proves to give noble's bytes. */
import { Pinned } from '../../../ffi/memory.ts';
import { explain } from '../../base/errors.ts';
import { AeadError, PROVIDERS, type Aead, type Offer, type Provider } from './aead.ts';
import { libcryptoAead } from './libcrypto.ts';
import { TAG_SIZE, type Cipher, type CipherName } from './methods.ts';
import { nobleAead } from './noble.ts';
import { nodeAead } from './node.ts';

export interface Choice {
  readonly aead: Aead;
  readonly provider: Provider;
  /** Why this one, for a log line: who computes it, and what keeps the faster ones out. */
  readonly why: string;
}

type Offers = Readonly<Record<Provider, (cipher: Cipher) => Offer>>;

const OFFERS: Offers = {
  libcrypto: libcryptoAead,
  node: nodeAead,
  noble: (cipher) => ({ aead: nobleAead(cipher), detail: '@noble/ciphers' }),
};

/**
 * @param preference one provider and no other, or `auto`: the first of {@link PROVIDERS} that will do
 * @throws AeadError if a provider is wanted that is not there, or does not give the right bytes
 */
export function chooseAead(cipher: Cipher, preference: Provider | 'auto', offers: Offers = OFFERS): Choice {
  const reasons: string[] = [];
  for (const provider of preference === 'auto' ? PROVIDERS : [preference]) {
    const offer = offers[provider](cipher);
    if ('unavailable' in offer) {
      reasons.push(`not ${provider}: ${offer.unavailable}`);
      continue;
    }
    const fault = provider === 'noble' ? undefined : disproof(offer.aead, cipher);
    if (fault === undefined)
      return { aead: offer.aead, provider, why: [offer.detail, ...reasons].join('; ') };
    reasons.push(`not ${provider}: ${fault}`);
  }
  throw new AeadError('ERR_AEAD_UNAVAILABLE', `${cipher.name} by ${preference}: ${reasons.join('; ')}`, {
    hint: 'set "aead" to "auto"',
  });
}

/** Many blocks and a rest. */
const LONG = 0x3fff;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
const PLAIN = new Pinned(LONG);
for (let i = 0; i < LONG; i++) PLAIN.bytes[i] = i * 31;
/** All eight bytes of the counter matter. */
const SEQUENCE = 2 ** 32 + 258;

/** Nothing, a length record, and much. */
const SIZES = [0, 2, LONG] as const;

/**
 * Known answers, noble's by test and those of independent implementations in test/vectors/shadowsocks.json: the tags of
 * {@link SIZES}. A tag depends on every byte of its ciphertext. Stored, because noble would need 5 ms to say them anew
 * before its code is compiled.
 */
const TAGS: Readonly<Record<CipherName, readonly string[]>> = {
  'aes-128-gcm': [
    '2bc253f1a648b70b2b2341750aac4b51',
    '4a66256f192ac23309cae0b33a5ec2c8',
    'c2f3c52fdc3b741d1ed31e6be9c83da6',
  ],
  'aes-192-gcm': [
    '40d05a0acc3824042a6bcf8de1eca8fa',
    'a4211dafa723f3cea4c9997cdddf022f',
    'ac3173973f43f1f97afc35c80c818613',
  ],
  'aes-256-gcm': [
    'cb3b114b4db7d44f1715649a2c3d8609',
    '13f2a5a4118192ed1b2dd4f1733f87b5',
    '0ced0b4998cfd8c076453e1b404bd9e7',
  ],
  'chacha20-ietf-poly1305': [
    'b8d616af3aef738aed05a6f1d090dee6',
    '0b2745c106bdfc0c41735f38562816f2',
    '8106c5d34b020e17638e4934cbb721f7',
  ],
  'xchacha20-ietf-poly1305': [
    '490872849496f33ed56233d998da5d0f',
    '49dbe6e508b9c5e6274c9241f5672fa4',
    '25d2c2204d56a21c6011e402d955e0bd',
  ],
};

/** @returns what is wrong with a candidate; undefined if it gives the right bytes, takes them back, and refuses others */
export function disproof(candidate: Aead, cipher: Cipher): string | undefined {
  const key = KEY.slice(0, cipher.keySize);
  const sealed = new Pinned(LONG + TAG_SIZE);
  const opened = new Pinned(LONG);
  try {
    for (const [i, size] of SIZES.entries()) {
      const end = size + TAG_SIZE;
      candidate.seal(key, SEQUENCE, PLAIN, 0, size, sealed, 0);
      const tag = Buffer.from(sealed.bytes.subarray(size, end)).toString('hex');
      if (tag !== TAGS[cipher.name][i]) return `${size} bytes: wrong tag`;
      if (!candidate.open(key, SEQUENCE, sealed, 0, size, opened, 0))
        return `${size} bytes: its own seal fails`;
      if (Buffer.compare(opened.bytes.subarray(0, size), PLAIN.bytes.subarray(0, size)) !== 0)
        return `${size} bytes: not opened to what was sealed`;
      for (const spoilt of [0, size, end - 1]) {
        sealed.bytes[spoilt]! ^= 0x10;
        if (candidate.open(key, SEQUENCE, sealed, 0, size, opened, 0))
          return `${size} bytes: opens a forgery`;
        sealed.bytes[spoilt]! ^= 0x10;
      }
    }
  } catch (error) {
    return explain(error);
  }
  return undefined;
}
