/**
 * The system's libcrypto: no allocation per record, no native memory per session. A process has one context a cipher
 * and direction; it is keyed anew when another session used it last (about the price of one short record), so a burst
 * of records of one session pays for it once.
 */
import { hchacha } from '@noble/ciphers/chacha.js';
import { openLibcrypto, type CipherContext, type Libcrypto } from '../../../ffi/libcrypto.ts';
import { pinForever } from '../../../ffi/memory.ts';
import { explain } from '../../base/errors.ts';
import { writeSequence, type Aead, type Offer } from './aead.ts';
import type { Cipher, CipherName } from './methods.ts';

/** As EVP_get_cipherbyname knows them. OpenSSL has no XChaCha20: its outer half is computed here. */
const EVP_NAMES: Readonly<Record<CipherName, string>> = {
  'aes-128-gcm': 'aes-128-gcm',
  'aes-192-gcm': 'aes-192-gcm',
  'aes-256-gcm': 'aes-256-gcm',
  'chacha20-ietf-poly1305': 'chacha20-poly1305',
  'xchacha20-ietf-poly1305': 'chacha20-poly1305',
};

let library: { readonly found: Libcrypto | undefined; readonly reasons: readonly string[] } | undefined;
const offers = new Map<CipherName, Offer>();

/** Made once a cipher and process: the contexts are never freed. */
export function libcryptoAead(cipher: Cipher): Offer {
  let offer = offers.get(cipher.name);
  if (!offer) offers.set(cipher.name, (offer = createOffer(cipher)));
  return offer;
}

function createOffer(cipher: Cipher): Offer {
  if (!library) {
    const reasons: string[] = [];
    library = { found: openLibcrypto(reasons), reasons };
  }
  const { found, reasons } = library;
  if (!found) return { unavailable: reasons.join('; ') };
  try {
    const name = EVP_NAMES[cipher.name];
    const sealing = found.context(name, cipher.keySize, 'seal');
    const opening = found.context(name, cipher.keySize, 'open');
    const create = cipher.name === 'xchacha20-ietf-poly1305' ? extendedNonce : plainNonce;
    return { aead: create(sealing, opening), detail: found.version };
  } catch (error) {
    return { unavailable: `${found.version}: ${explain(error)}` };
  }
}

function plainNonce(sealing: CipherContext, opening: CipherContext): Aead {
  const nonce = pinForever(12).bytes;
  const nonceView = new DataView(nonce.buffer);
  let sealKey: Uint8Array | undefined;
  let openKey: Uint8Array | undefined;
  return {
    seal(key, sequence, src, from, length, dst, to) {
      if (key !== sealKey) {
        sealing.setKey(key);
        sealKey = key;
      }
      writeSequence(nonceView, sequence);
      sealing.seal(nonce, src, from, length, dst, to);
    },

    open(key, sequence, src, from, length, dst, to) {
      if (key !== openKey) {
        opening.setKey(key);
        openKey = key;
      }
      writeSequence(nonceView, sequence);
      if (opening.open(nonce, src, from, length, dst, to)) return true;
      dst.bytes.fill(0, to, to + length);
      return false;
    },
  };
}

/** "expand 32-byte k", RFC 8439 §2.3 */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/**
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03 §2.3): ChaCha20-Poly1305 under the key HChaCha20(key, nonce[0..16)),
 * with the nonce 0⁴ ‖ nonce[16..24). A Shadowsocks counter stands in the first bytes, so it is the key that changes
 * from record to record, and the inner nonce is always zero. HChaCha20 is noble's; it allocates two small arrays.
 */
function extendedNonce(sealing: CipherContext, opening: CipherContext): Aead {
  const nonce = pinForever(12).bytes;
  const recordKey = pinForever(32).bytes;
  const recordKeyWords = new Uint32Array(recordKey.buffer);
  const keyBytes = pinForever(32).bytes;
  const keyWords = new Uint32Array(keyBytes.buffer);
  const prefix = new DataView(pinForever(16).bytes.buffer);
  const prefixWords = new Uint32Array(prefix.buffer);

  function derive(key: Uint8Array, sequence: number): Uint8Array {
    keyBytes.set(key);
    writeSequence(prefix, sequence);
    hchacha(SIGMA, keyWords, prefixWords, recordKeyWords);
    return recordKey;
  }

  return {
    seal(key, sequence, src, from, length, dst, to) {
      sealing.setKey(derive(key, sequence));
      sealing.seal(nonce, src, from, length, dst, to);
    },

    open(key, sequence, src, from, length, dst, to) {
      opening.setKey(derive(key, sequence));
      if (opening.open(nonce, src, from, length, dst, to)) return true;
      dst.bytes.fill(0, to, to + length);
      return false;
    },
  };
}
