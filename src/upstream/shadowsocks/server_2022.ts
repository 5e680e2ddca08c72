/** A server's start of both directions in the 2022 edition (SIP022 §3.1). */
import { SessionError, type Outbox } from '../../net/session.ts';
import { parseTarget, type Target } from '../../net/target.ts';
import { checkStamp, PADDING_LIMIT, REQUEST, RESPONSE, STAMP_SIZE, writeStamp } from './header_2022.ts';
import type { Parts2022 } from './parts_2022.ts';
import { IDENTITY_SIZE, type Psk } from './psk.ts';
import type { ServerStart } from './suite.ts';

export class Server2022 implements ServerStart {
  target: Target | undefined;
  user: string | undefined;
  /** Type, time, length. */
  readonly headSize = STAMP_SIZE + 2;
  readonly #parts: Parts2022;
  /** Whose key it is, if the client tells the truth; the response is sealed with it, too. */
  #claimed: { readonly name: string | undefined; readonly psk: Psk } | undefined;
  /** Of the request, from when that is known to be one, until it is answered. */
  #salt: Uint8Array | undefined;

  constructor(parts: Parts2022) {
    this.#parts = parts;
  }

  get prefaceSize(): number {
    const { saltSize, userOf } = this.#parts;
    return userOf ? saltSize + IDENTITY_SIZE : saltSize;
  }

  keyOf(preface: Uint8Array): Uint8Array {
    const { saltSize, userOf, psks } = this.#parts;
    const salt = preface.subarray(0, saltSize);
    const psk = psks[0]!;
    const claimed = userOf
      ? userOf(psk.identityHash(salt, preface.subarray(saltSize)))
      : { name: undefined, psk };
    if (!claimed) throw new SessionError('ERR_AEAD', 'the identity header is of no user');
    this.#claimed = claimed;
    return claimed.psk.sessionKey(salt);
  }

  check(head: Uint8Array, preface: Uint8Array): void {
    const { saltSize, now, admit } = this.#parts;
    checkStamp(head, REQUEST, 'client', now());
    const salt = preface.subarray(0, saltSize);
    // Only now: who has no key must not be able to fill the memory of salts.
    admit(salt);
    this.#salt = salt;
    this.user = this.#claimed!.name;
  }

  /** `address | padding length (2) | padding | payload` in one record: it must not reach into the next (§3.1.3). */
  strip(out: Outbox, start: number): boolean {
    const header = out.bytes.subarray(start, out.end);
    const parsed = parseTarget(header);
    const paddingAt = (parsed?.size ?? 0) + 2;
    if (!parsed || paddingAt > header.length) throw refused('the header ends within the target address');
    const padding = (header[paddingAt - 2]! << 8) | header[paddingAt - 1]!;
    const end = paddingAt + padding;
    if (padding > PADDING_LIMIT)
      throw refused(`${padding} bytes of padding; at most ${PADDING_LIMIT} are allowed`);
    if (end > header.length) throw refused('the header ends within the padding');
    if (end === paddingAt && end === header.length) throw refused('neither padding nor payload');
    this.target = parsed.target;
    out.bytes.copyWithin(start, start + end, out.end);
    out.end -= end;
    return true;
  }

  salt(out: Outbox): Uint8Array {
    if (!this.#salt) throw new Error('an answer before there was a request');
    const at = out.take(this.#parts.saltSize);
    const salt = out.bytes.subarray(at, out.end);
    this.#parts.fillRandom(salt);
    return this.#claimed!.psk.sessionKey(salt);
  }

  head(into: Uint8Array): number {
    writeStamp(into, RESPONSE, this.#parts.now());
    into.set(this.#salt!, STAMP_SIZE);
    this.#salt = undefined;
    return STAMP_SIZE + this.#parts.saltSize;
  }
}

function refused(what: string): SessionError {
  return new SessionError('ERR_PROTOCOL', what);
}
