/** Which provider computes a method here: the fastest that proves to give noble's bytes. */
import { Pinned } from '../../../ffi/memory.ts';
import { explain } from '../../base/errors.ts';
import { AeadError, PROVIDERS, type Aead, type Offer, type Provider } from './aead.ts';
import { libcryptoAead } from './libcrypto.ts';
import { RECORD_LIMIT, TAG_SIZE, type Method, type MethodName } from './methods.ts';
import { nobleAead } from './noble.ts';
import { nodeAead } from './node.ts';

export interface Choice {
  readonly aead: Aead;
  readonly provider: Provider;
  /** Why this one, for a log line: who computes it, and what keeps the faster ones out. */
  readonly why: string;
}

type Offers = Readonly<Record<Provider, (method: Method) => Offer>>;

const OFFERS: Offers = {
  libcrypto: libcryptoAead,
  node: nodeAead,
  noble: (method) => ({ aead: nobleAead(method), detail: '@noble/ciphers' }),
};

/**
 * @param preference one provider and no other, or `auto`: the first of {@link PROVIDERS} that will do
 * @throws AeadError if a provider is wanted that is not there, or does not give the right bytes
 */
export function chooseAead(method: Method, preference: Provider | 'auto', offers: Offers = OFFERS): Choice {
  const reasons: string[] = [];
  for (const provider of preference === 'auto' ? PROVIDERS : [preference]) {
    const offer = offers[provider](method);
    if ('unavailable' in offer) {
      reasons.push(`not ${provider}: ${offer.unavailable}`);
      continue;
    }
    const fault = provider === 'noble' ? undefined : disproof(offer.aead, method);
    if (fault === undefined)
      return { aead: offer.aead, provider, why: [offer.detail, ...reasons].join('; ') };
    reasons.push(`not ${provider}: ${fault}`);
  }
  throw new AeadError('ERR_AEAD_UNAVAILABLE', `${method.name} by ${preference}: ${reasons.join('; ')}`, {
    hint: 'set "aead" to "auto"',
  });
}

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
const PLAIN = new Pinned(RECORD_LIMIT);
PLAIN.bytes.forEach((_, i) => (PLAIN.bytes[i] = i * 31));
/** All eight bytes of the counter matter. */
const SEQUENCE = 2 ** 32 + 258;

/** Sizes whose bytes are compared with noble's: nothing, a length record, some blocks and a rest. */
const COMPARED = [0, 2, 333];

/**
 * The tag over the longest record, from test/vectors/shadowsocks.json: it depends on every byte of the ciphertext, and
 * noble, before it is compiled, would need 3 ms to say the same.
 */
const LONGEST_TAG: Readonly<Record<MethodName, string>> = {
  'aes-128-gcm': 'c2f3c52fdc3b741d1ed31e6be9c83da6',
  'aes-192-gcm': 'ac3173973f43f1f97afc35c80c818613',
  'aes-256-gcm': '0ced0b4998cfd8c076453e1b404bd9e7',
  'chacha20-ietf-poly1305': '8106c5d34b020e17638e4934cbb721f7',
  'xchacha20-ietf-poly1305': '25d2c2204d56a21c6011e402d955e0bd',
};

/** @returns what is wrong with a candidate; undefined if it gives the right bytes, takes them back, and refuses others */
export function disproof(candidate: Aead, method: Method): string | undefined {
  const reference = nobleAead(method);
  const key = KEY.slice(0, method.keySize);
  const sealed = new Pinned(RECORD_LIMIT + TAG_SIZE);
  const other = new Pinned(RECORD_LIMIT + TAG_SIZE);
  try {
    for (const size of [...COMPARED, RECORD_LIMIT]) {
      const end = size + TAG_SIZE;
      candidate.seal(key, SEQUENCE, PLAIN, 0, size, sealed, 0);
      const tag = sealed.bytes.subarray(size, end);
      if (size === RECORD_LIMIT) {
        if (Buffer.from(tag).toString('hex') !== LONGEST_TAG[method.name]) return `${size} bytes: wrong tag`;
      } else {
        reference.seal(key, SEQUENCE, PLAIN, 0, size, other, 0);
        if (!equal(sealed, other, end)) return `${size} bytes: not sealed as noble does`;
      }
      if (!candidate.open(key, SEQUENCE, sealed, 0, size, other, 0))
        return `${size} bytes: its own seal fails`;
      if (!equal(other, PLAIN, size)) return `${size} bytes: not opened to what was sealed`;
      for (const spoilt of [0, size, end - 1]) {
        sealed.bytes[spoilt]! ^= 0x10;
        if (candidate.open(key, SEQUENCE, sealed, 0, size, other, 0)) return `${size} bytes: opens a forgery`;
        sealed.bytes[spoilt]! ^= 0x10;
      }
    }
  } catch (error) {
    return explain(error);
  }
  return undefined;
}

function equal(a: Pinned, b: Pinned, length: number): boolean {
  return Buffer.compare(a.bytes.subarray(0, length), b.bytes.subarray(0, length)) === 0;
}
