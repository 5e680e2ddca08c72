/** Ciphers that go on where they stopped: by node:crypto where the runtime has them, else by a block of what it has. */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { StreamMethod } from '../../../config/config.ts';

/** Bytes in, as many bytes out. The result is good until the next call. */
export type StreamCipher = (bytes: Uint8Array) => Uint8Array;

/** @param iv as long as the method's; it must not have been used with this key before */
export function encryptor(method: StreamMethod, key: Uint8Array, iv: Uint8Array): StreamCipher {
  return cipherOf(method, key, iv, true);
}

export function decryptor(method: StreamMethod, key: Uint8Array, iv: Uint8Array): StreamCipher {
  return cipherOf(method, key, iv, false);
}

function cipherOf(method: StreamMethod, key: Uint8Array, iv: Uint8Array, encrypts: boolean): StreamCipher {
  if (method === 'chacha20-ietf') return byChaCha20(key, iv);
  // The runtime's BoringSSL has CFB for the other two sizes.
  if (method === 'aes-192-cfb') return byCfb(key, iv, encrypts);
  if (method === 'rc4-md5') {
    const own = createHash('md5').update(key).update(iv).digest();
    const rc4 = createCipheriv('rc4', own, null);
    return (bytes) => rc4.update(bytes);
  }
  const cipher = (encrypts ? createCipheriv : createDecipheriv)(method, key, iv);
  return (bytes) => cipher.update(bytes);
}

/** Bytes that one block of the keystream has (RFC 8439 §2.3). */
const CHACHA_BLOCK = 64;

/** RFC 8439 §2.4, counting from 0. */
function byChaCha20(key: Uint8Array, nonce: Uint8Array): StreamCipher {
  let position = 0;
  return (bytes) => {
    const lead = position % CHACHA_BLOCK;
    const block = (position - lead) / CHACHA_BLOCK;
    position += bytes.length;
    if (lead === 0) return chacha20(key, nonce, bytes, undefined, block);
    // The part of the block that is used up already is made again.
    const padded = new Uint8Array(lead + bytes.length);
    padded.set(bytes, lead);
    return chacha20(key, nonce, padded, padded, block).subarray(lead);
  };
}

const AES_BLOCK = 16;

/** CFB with whole blocks as feedback (NIST SP 800-38A §6.3), by single blocks of AES. */
function byCfb(key: Uint8Array, iv: Uint8Array, encrypts: boolean): StreamCipher {
  const aes = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  const feedback = Uint8Array.from(iv);
  let keystream: Uint8Array = aes.update(feedback);
  let used = 0;
  return (bytes) => {
    const made = new Uint8Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) {
      if (used === AES_BLOCK) {
        keystream = aes.update(feedback);
        used = 0;
      }
      made[i] = bytes[i]! ^ keystream[used]!;
      feedback[used++] = encrypts ? made[i]! : bytes[i]!;
    }
    return made;
  };
}
