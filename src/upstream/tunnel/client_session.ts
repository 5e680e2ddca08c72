/** The client's end of one connection of the TLS tunnel, within TLS. */
import type { Span } from '../../../ffi/memory.ts';
import type { Secret } from '../../base/secret.ts';
import { formatAddress } from '../../net/address.ts';
import type { Outbox, Session } from '../../net/session.ts';
import { isHostName, type Target } from '../../net/target.ts';

export class ClientSession implements Session {
  readonly #token: Secret;
  readonly #host: string;
  readonly #port: number;
  #isSaid = false;

  /**
   * @param token 1 to 65535 bytes in UTF-8
   * @throws RangeError for a target whose name is none
   */
  constructor(token: Secret, target: Target) {
    this.#token = token;
    this.#host = hostOf(target);
    this.#port = target.port;
  }

  readonly isOnTrust = true;

  get isPlain(): boolean {
    return this.#isSaid;
  }

  /** The first call gives the header, in front of what it was given. */
  seal(plain: Span, from: number, to: number, out: Outbox): void {
    if (!this.#isSaid) this.#say(out);
    out.append(plain.bytes.subarray(from, to));
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    out.append(wire.bytes.subarray(from, to));
  }

  /** Wherever it comes, it cuts nothing. */
  openEnd(): void {}

  dispose(): void {}

  #say(out: Outbox): void {
    this.#isSaid = true;
    appendField(out, Buffer.from(this.#token.reveal(), 'utf8'));
    appendField(out, Buffer.from(this.#host, 'latin1'));
    appendNumber(out, this.#port);
  }
}

function hostOf(target: Target): string {
  if ('address' in target) {
    const text = formatAddress(target.address);
    return target.address.family === 4 ? text : `[${text}]`;
  }
  if (!isHostName(target.name)) throw new RangeError('a target whose name is no host name');
  return target.name;
}

function appendField(out: Outbox, bytes: Uint8Array): void {
  appendNumber(out, bytes.length);
  out.append(bytes);
}

function appendNumber(out: Outbox, value: number): void {
  out.append(Uint8Array.of(value >>> 8, value & 0xff));
}
