/** The client's end of one connection of old Shadowsocks: in each direction an IV, then all bytes in one stream. */
import type { Span } from '../../../../ffi/memory.ts';
import type { StreamMethod } from '../../../config/config.ts';
import { SessionError, type Outbox, type Session } from '../../../net/session.ts';
import { encodeTarget, type Target } from '../../../net/target.ts';
import { decryptor, encryptor, type StreamCipher } from './cipher.ts';
import { STREAM_SIZES } from './methods.ts';

export class StreamSession implements Session {
  readonly isOnTrust = true;
  readonly #method: StreamMethod;
  readonly #key: Uint8Array;
  readonly #target: Target;
  #seal: StreamCipher | undefined;
  #open: StreamCipher | undefined;
  /** What has come of the far end's IV. */
  #iv: Uint8Array;
  #come = 0;

  /** @param key of the method's size; kept */
  constructor(method: StreamMethod, key: Uint8Array, target: Target) {
    this.#method = method;
    this.#key = key;
    this.#target = target;
    this.#iv = new Uint8Array(STREAM_SIZES[method].ivSize);
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    if (this.#seal === undefined) {
      const iv = crypto.getRandomValues(new Uint8Array(STREAM_SIZES[this.#method].ivSize));
      this.#seal = encryptor(this.#method, this.#key, iv);
      out.append(iv);
      out.append(this.#seal(encodeTarget(this.#target)));
    }
    if (from < to) out.append(this.#seal(plain.bytes.subarray(from, to)));
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    let at = from;
    if (this.#open === undefined) {
      const part = wire.bytes.subarray(from, Math.min(to, from + this.#iv.length - this.#come));
      this.#iv.set(part, this.#come);
      this.#come += part.length;
      at += part.length;
      if (this.#come < this.#iv.length) return;
      this.#open = decryptor(this.#method, this.#key, this.#iv);
    }
    if (at < to) out.append(this.#open(wire.bytes.subarray(at, to)));
  }

  openEnd(): void {
    if (this.#open === undefined && this.#come > 0)
      throw new SessionError('ERR_TRUNCATED', 'the stream ended within its IV');
  }

  dispose(): void {}
}
