/** A client's start of both directions in the 2022 edition (SIP022 §3.1). */
import { timingSafeEqual } from 'node:crypto';
import { SessionError, type Outbox } from '../../net/session.ts';
import { encodeTarget, type Target } from '../../net/target.ts';
import { checkStamp, PADDING_LIMIT, REQUEST, RESPONSE, STAMP_SIZE, writeStamp } from './header_2022.ts';
import type { OpenerStart } from './opener.ts';
import type { Parts2022 } from './parts_2022.ts';
import type { Psk } from './psk.ts';
import type { SealerStart } from './sealer.ts';

export class Client2022 implements SealerStart, OpenerStart {
  readonly #parts: Parts2022;
  readonly #address: Uint8Array;
  /** Of the request. */
  #salt: Uint8Array | undefined;

  constructor(parts: Parts2022, target: Target) {
    this.#parts = parts;
    this.#address = encodeTarget(target);
  }

  get prefaceSize(): number {
    return this.#parts.saltSize;
  }

  /** Type, time, the request's salt, length. */
  get headSize(): number {
    return STAMP_SIZE + this.#parts.saltSize + 2;
  }

  get #psk(): Psk {
    return this.#parts.psks.at(-1)!;
  }

  salt(out: Outbox): Uint8Array {
    const { saltSize, psks, fillRandom } = this.#parts;
    const salt = new Uint8Array(saltSize);
    fillRandom(salt);
    this.#salt = salt;
    append(salt, out);
    for (let i = 0; i + 1 < psks.length; i++) append(psks[i]!.identityHeader(salt, psks[i + 1]!), out);
    return this.#psk.sessionKey(salt);
  }

  head(into: Uint8Array): number {
    writeStamp(into, REQUEST, this.#parts.now());
    return STAMP_SIZE;
  }

  /** `address | padding length (2) | padding` */
  prefix(into: Uint8Array, payload: number): number {
    const padding = paddingFor(payload, this.#parts.fillRandom);
    const at = this.#address.length;
    into.set(this.#address);
    into[at] = padding >>> 8;
    into[at + 1] = padding & 0xff;
    // What is there is of another connection.
    into.fill(0, at + 2, at + 2 + padding);
    return at + 2 + padding;
  }

  keyOf(salt: Uint8Array): Uint8Array {
    return this.#psk.sessionKey(salt);
  }

  check(head: Uint8Array): void {
    checkStamp(head, RESPONSE, 'server', this.#parts.now());
    const echo = head.subarray(STAMP_SIZE, head.length - 2);
    if (!this.#salt || !timingSafeEqual(echo, this.#salt))
      throw new SessionError('ERR_PROTOCOL', 'the server answers another request than ours');
    this.#salt = undefined;
  }
}

function append(bytes: Uint8Array, out: Outbox): void {
  out.bytes.set(bytes, out.take(bytes.length));
}

const dice = new Uint8Array(2);

/**
 * How much to pad the first record: without payload it must be something; a short payload, which tells by its length
 * what it is, gets as much as makes 900 bytes of both, at most; a long one nothing. As shadowsocks-go does it.
 */
function paddingFor(payload: number, fillRandom: (bytes: Uint8Array) => void): number {
  if (payload >= PADDING_LIMIT) return 0;
  fillRandom(dice);
  const random = (dice[0]! << 8) | dice[1]!;
  return payload === 0 ? 1 + (random % PADDING_LIMIT) : random % (PADDING_LIMIT - payload + 1);
}
