/**
 * AEAD ciphers of the system's OpenSSL (1.1 or 3) through its EVP interface. The few contexts that a process makes
 * live as long as it does: nothing here is freed, so nothing can be used after it.
 *
 * Every function that fails throws but one: {@link CipherContext.open} says false for a tag that does not match.
 */
import type { Pointer } from 'bun:ffi';
import { openFirst } from './library.ts';
import { at, pinForever, type Address, type Span } from './memory.ts';

/** <openssl/evp.h>; all are functions, not macros, in 1.1 as in 3. */
const SYMBOLS = {
  /** <openssl/crypto.h> `const char *OpenSSL_version(int type)` */
  OpenSSL_version: { args: ['i32'], returns: 'cstring' },
  /** `const EVP_CIPHER *EVP_get_cipherbyname(const char *name)`; initialises the library on first use */
  EVP_get_cipherbyname: { args: ['ptr'], returns: 'ptr' },
  /** `EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void)` */
  EVP_CIPHER_CTX_new: { args: [], returns: 'ptr' },
  /** `int EVP_CipherInit_ex(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *type, ENGINE *impl, const unsigned char *key, const unsigned char *iv, int enc)` */
  EVP_CipherInit_ex: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'i32'], returns: 'i32' },
  /** `int EVP_CipherUpdate(EVP_CIPHER_CTX *ctx, unsigned char *out, int *outl, const unsigned char *in, int inl)` */
  EVP_CipherUpdate: { args: ['ptr', 'ptr', 'ptr', 'ptr', 'i32'], returns: 'i32' },
  /** `int EVP_CipherFinal_ex(EVP_CIPHER_CTX *ctx, unsigned char *outm, int *outl)` */
  EVP_CipherFinal_ex: { args: ['ptr', 'ptr', 'ptr'], returns: 'i32' },
  /** `int EVP_CIPHER_CTX_ctrl(EVP_CIPHER_CTX *ctx, int type, int arg, void *ptr)` */
  EVP_CIPHER_CTX_ctrl: { args: ['ptr', 'i32', 'i32', 'ptr'], returns: 'i32' },
} as const;

/** <openssl/evp.h> EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const TAG = 16;
const NONCE = 12;

/**
 * glibc and musl systems use the same names. None on macOS: /usr/lib/libcrypto.dylib is there, but loading it aborts
 * the process ("loading libcrypto in an unsafe way").
 */
const NAMES = process.platform === 'darwin' ? [] : ['libcrypto.so.3', 'libcrypto.so.1.1'];

/** `int *outl` of every call. Pinned, since C writes to it; read back through the array. */
const outLength = new Int32Array(pinForever(4).bytes.buffer);

export interface Libcrypto {
  /** As the library names itself, e.g. `OpenSSL 3.0.15 3 Sep 2024`. */
  readonly version: string;
  /**
   * A context for one cipher and one direction.
   * @param cipher as EVP_get_cipherbyname knows it: one with a nonce of 12 bytes and a tag of 16
   * @param keySize in bytes
   * @throws Error if the library lacks the cipher
   */
  context(cipher: string, keySize: number, direction: 'seal' | 'open'): CipherContext;
}

/** One key at a time; a change of key costs about as much as a short record. */
export interface CipherContext {
  /**
   * The key of the calls that follow. Copied.
   * @throws RangeError if it has not the size of the cipher's key
   */
  setKey(key: Uint8Array): void;

  /** Writes `length` bytes of ciphertext and 16 of tag to `dst` at `to`. */
  seal(nonce: Uint8Array, src: Span, from: number, length: number, dst: Span, to: number): void;

  /**
   * Reads `length` bytes of ciphertext and 16 of tag, writes `length` bytes of plaintext.
   * @returns false if the tag does not match; `dst` then holds bytes that nobody vouches for
   */
  open(nonce: Uint8Array, src: Span, from: number, length: number, dst: Span, to: number): boolean;
}

/**
 * The system's libcrypto, undefined where there is none.
 * @param reasons what was tried in vain is appended here, one line a name
 */
export function openLibcrypto(
  reasons: string[] = [],
  names: readonly string[] = NAMES,
): Libcrypto | undefined {
  if (names.length === 0) reasons.push('this system has no libcrypto for other programs');
  const library = openFirst(names, SYMBOLS, reasons);
  if (!library) return undefined;
  const evp = library.symbols;
  return {
    version: String(evp.OpenSSL_version(0)),
    context: (cipher, keySize, direction) => createContext(evp, cipher, keySize, direction),
  };
}

type Evp = NonNullable<ReturnType<typeof openFirst<typeof SYMBOLS>>>['symbols'];

function createContext(evp: Evp, cipher: string, keySize: number, direction: 'seal' | 'open'): CipherContext {
  const type = evp.EVP_get_cipherbyname(new TextEncoder().encode(`${cipher}\0`));
  if (!type) throw new Error(`libcrypto has no ${cipher}`);
  const ctx = evp.EVP_CIPHER_CTX_new();
  if (!ctx) throw new Error('EVP_CIPHER_CTX_new: out of memory');
  const encrypts = direction === 'seal' ? 1 : 0;
  // The cipher is fetched here once; later calls name none and keep it.
  must('EVP_CipherInit_ex', evp.EVP_CipherInit_ex(ctx, type, null, null, null, encrypts));

  function begin(nonce: Uint8Array): void {
    if (nonce.length !== NONCE) throw new RangeError(`a nonce of ${nonce.length} bytes`);
    must('EVP_CipherInit_ex', evp.EVP_CipherInit_ex(ctx, null, null, null, nonce, encrypts));
  }

  function update(src: Span, from: number, length: number, dst: Span, to: number): void {
    // An update of no bytes is a call for associated data, not for data.
    if (length === 0) return;
    const out = pointer(at(dst, to, length));
    const input = pointer(at(src, from, length));
    must('EVP_CipherUpdate', evp.EVP_CipherUpdate(ctx, out, outLength, input, length));
    if (outLength[0] !== length) throw new Error(`EVP_CipherUpdate wrote ${outLength[0]} of ${length} bytes`);
  }

  return {
    setKey(key) {
      if (key.length !== keySize) throw new RangeError(`a key of ${key.length} bytes for ${cipher}`);
      must('EVP_CipherInit_ex', evp.EVP_CipherInit_ex(ctx, null, null, key, null, encrypts));
    },

    seal(nonce, src, from, length, dst, to) {
      const tag = pointer(at(dst, to + length, TAG));
      begin(nonce);
      update(src, from, length, dst, to);
      must('EVP_CipherFinal_ex', evp.EVP_CipherFinal_ex(ctx, tag, outLength));
      must('EVP_CIPHER_CTX_ctrl', evp.EVP_CIPHER_CTX_ctrl(ctx, GET_TAG, TAG, tag));
    },

    open(nonce, src, from, length, dst, to) {
      const tag = pointer(at(src, from + length, TAG));
      begin(nonce);
      must('EVP_CIPHER_CTX_ctrl', evp.EVP_CIPHER_CTX_ctrl(ctx, SET_TAG, TAG, tag));
      update(src, from, length, dst, to);
      // A stream cipher's final block has no bytes: nothing is written to the place after the plaintext.
      return evp.EVP_CipherFinal_ex(ctx, pointer(at(dst, to + length, 0)), outLength) === 1;
    },
  };
}

/** An EVP call's result is 1, or the call has failed. */
function must(call: string, result: number): void {
  if (result !== 1) throw new Error(`${call} failed (${result})`);
}

function pointer(address: Address): Pointer {
  return address as number as Pointer;
}
