/** What Shadowsocks wants of an AEAD, whoever computes it. One file a provider: libcrypto.ts, node.ts, noble.ts. */
import type { Span } from '../../../ffi/memory.ts';
import { SnetError } from '../../base/errors.ts';

export const PROVIDERS = ['libcrypto', 'node', 'noble'] as const;
export type Provider = (typeof PROVIDERS)[number];

/**
 * One cipher, computed by one provider. It has no state that a caller could notice: a session's whole cipher state
 * is a key and a counter.
 *
 * The nonce of a record is `sequence`, little-endian, filled up with zeros (SIP004). No associated data.
 * `key` is recognised by identity: its bytes must never change after its first use.
 * `dst` must not overlap `src`.
 */
export interface Aead {
  /** Reads `length` bytes of `src` at `from`; writes `length` + 16 bytes, ciphertext and tag, to `dst` at `to`. */
  seal(
    key: Uint8Array,
    sequence: number,
    src: Span,
    from: number,
    length: number,
    dst: Span,
    to: number,
  ): void;

  /**
   * Reads `length` + 16 bytes of `src` at `from`; writes `length` bytes of plaintext to `dst` at `to`.
   * @returns false if they do not authenticate; then the `length` bytes at `to` are zero
   */
  open(
    key: Uint8Array,
    sequence: number,
    src: Span,
    from: number,
    length: number,
    dst: Span,
    to: number,
  ): boolean;
}

/** What a provider answers when it is asked for a cipher: the AEAD and who computes it in words, or why it can't. */
export type Offer = { readonly aead: Aead; readonly detail: string } | { readonly unavailable: string };

/** The provider that the user insists on can't be had; the message says why. */
export class AeadError extends SnetError<'ERR_AEAD_UNAVAILABLE'> {}

/** The bytes of a span from `from` on. @throws RangeError unless all `length` are there: subarray would give fewer */
export function bytesOf({ bytes }: Span, from: number, length: number): Uint8Array {
  if (!(from >= 0 && from + length <= bytes.length))
    throw new RangeError(`${length} bytes at ${from} do not lie within ${bytes.length}`);
  return bytes.subarray(from, from + length);
}

/** Writes a record's number into the first eight bytes of a nonce, little-endian. */
export function writeSequence(nonce: DataView, sequence: number): void {
  nonce.setUint32(0, sequence >>> 0, true);
  nonce.setUint32(4, Math.floor(sequence / 2 ** 32), true);
}
