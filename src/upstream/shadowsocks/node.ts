/** AES-GCM by node:crypto (in Bun: BoringSSL). It has no ChaCha20-Poly1305, and makes a cipher object per record. */
import { createCipheriv, createDecipheriv, getCiphers, type CipherGCMTypes } from 'node:crypto';
import { bytesOf, writeSequence, type Offer } from './aead.ts';
import { TAG_SIZE, type Cipher } from './methods.ts';

export function nodeAead({ name, nonceSize }: Cipher): Offer {
  if (!getCiphers().includes(name)) return { unavailable: `node:crypto has no ${name}` };
  const gcm = name as CipherGCMTypes;
  const nonce = new Uint8Array(new ArrayBuffer(nonceSize));
  const nonceView = new DataView(nonce.buffer);
  return {
    detail: 'node:crypto',
    aead: {
      seal(key, sequence, src, from, length, dst, to) {
        writeSequence(nonceView, sequence);
        const cipher = createCipheriv(gcm, key, nonce);
        dst.bytes.set(cipher.update(bytesOf(src, from, length)), to);
        cipher.final();
        dst.bytes.set(cipher.getAuthTag(), to + length);
      },

      open(key, sequence, src, from, length, dst, to) {
        writeSequence(nonceView, sequence);
        const decipher = createDecipheriv(gcm, key, nonce);
        decipher.setAuthTag(bytesOf(src, from + length, TAG_SIZE));
        const plain = decipher.update(bytesOf(src, from, length));
        try {
          decipher.final();
        } catch {
          // It throws for nothing but a tag that does not match.
          dst.bytes.fill(0, to, to + length);
          return false;
        }
        dst.bytes.set(plain, to);
        return true;
      },
    },
  };
}
