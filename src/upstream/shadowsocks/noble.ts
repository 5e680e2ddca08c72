/** The reference: @noble/ciphers, which works everywhere. Every other provider must give the same bytes. */
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { bytesOf, writeSequence, type Aead } from './aead.ts';
import { TAG_SIZE, type Cipher, type CipherName } from './methods.ts';

const CIPHERS = {
  'aes-128-gcm': gcm,
  'aes-192-gcm': gcm,
  'aes-256-gcm': gcm,
  'chacha20-ietf-poly1305': chacha20poly1305,
  'xchacha20-ietf-poly1305': xchacha20poly1305,
} as const satisfies Record<CipherName, unknown>;

export function nobleAead({ name, nonceSize }: Cipher): Aead {
  const cipher = CIPHERS[name];
  const nonce = new Uint8Array(new ArrayBuffer(nonceSize));
  const nonceView = new DataView(nonce.buffer);
  return {
    seal(key, sequence, src, from, length, dst, to) {
      writeSequence(nonceView, sequence);
      dst.bytes.set(cipher(key, nonce).encrypt(bytesOf(src, from, length)), to);
    },

    open(key, sequence, src, from, length, dst, to) {
      writeSequence(nonceView, sequence);
      const sealed = bytesOf(src, from, length + TAG_SIZE);
      try {
        // It compares the tags before it decrypts.
        dst.bytes.set(cipher(key, nonce).decrypt(sealed), to);
        return true;
      } catch (error) {
        // The only thing left that it can object to; it has no class of error of its own.
        if (!(error instanceof Error && error.message.endsWith('invalid tag'))) throw error;
        dst.bytes.fill(0, to, to + length);
        return false;
      }
    },
  };
}
