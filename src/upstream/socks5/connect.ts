/**
 * A tunnel through a SOCKS5 proxy: `CONNECT` (RFC 1928), with or without user and password (RFC 1929), and from there on
 * bytes as they are. A target that is a name goes to the proxy as that name, which it resolves itself.
 */
import type { Span } from '../../../ffi/memory.ts';
import { SessionError, type Handshake, type Outbox, type Tunnel } from '../../net/session.ts';
import { encodeTarget, type Target } from '../../net/target.ts';
import { CredentialsError, type Credentials } from '../credentials.ts';
import { credentialsRefusal, methodsRefusal, replyRefusal } from './refusal.ts';

const VERSION = 5;
/** Of the negotiation of user and password, RFC 1929 §2. */
const NEGOTIATION = 1;
const CONNECT = 1;
const METHOD = { none: 0, password: 2, notAcceptable: 0xff } as const;
const ADDRESS = { ipv4: 1, name: 3, ipv6: 4 } as const;
/** VER, REP, RSV, ATYP. */
const REPLY_HEAD = 4;
const PORT_SIZE = 2;

/** In bytes; their lengths take one byte each. */
const LONGEST_CREDENTIAL = 255;

/**
 * What an upstream gives for its connections.
 * @throws CredentialsError unless user and password have 1 to 255 bytes in UTF-8
 */
export function socks5Tunnels(credentials: Credentials | undefined): (target: Target) => Tunnel {
  if (credentials) checkCredentials(credentials);
  return (target) => ({ handshake: new Socks5Handshake(target, credentials) });
}

function checkCredentials({ user, password }: Credentials): void {
  for (const [what, text] of [
    ['user', user],
    ['password', password.reveal()],
  ] as const) {
    const length = Buffer.byteLength(text, 'utf8');
    if (length < 1 || length > LONGEST_CREDENTIAL)
      throw new CredentialsError(
        `the ${what} of a SOCKS5 proxy has ${length} bytes`,
        `1 to ${LONGEST_CREDENTIAL} are possible (RFC 1929)`,
      );
  }
}

/** Says nothing before the proxy has answered what was said before. */
export class Socks5Handshake implements Handshake {
  readonly #target: Uint8Array;
  readonly #credentials: Credentials | undefined;
  #awaited: 'method' | 'status' | 'reply' = 'method';
  /** Bytes of the awaited answer that have come. */
  #come = 0;
  /** Bytes of the whole reply, as soon as that is known. */
  #replySize = Number.POSITIVE_INFINITY;

  /** @throws RangeError for a target whose name is none */
  constructor(target: Target, credentials: Credentials | undefined) {
    this.#target = encodeTarget(target);
    this.#credentials = credentials;
  }

  begin(out: Outbox): void {
    const methods = this.#credentials ? [METHOD.none, METHOD.password] : [METHOD.none];
    out.append(Uint8Array.of(VERSION, methods.length, ...methods));
  }

  receive(wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean {
    for (let at = from; at < to; at++) {
      if (!this.#take(wire.bytes[at]!, out)) continue;
      rest.append(wire.bytes.subarray(at + 1, to));
      return true;
    }
    return false;
  }

  end(): never {
    const when =
      this.#awaited === 'method' && this.#come === 0 ? 'without an answer' : 'before it had replied';
    throw new SessionError('ERR_PROXY_CLOSED', `the SOCKS5 proxy closed ${when}`);
  }

  /** @returns whether that was the last byte of the reply */
  #take(byte: number, out: Outbox): boolean {
    const at = this.#come++;
    if (this.#awaited === 'reply') return this.#replyByte(at, byte);
    if (this.#awaited === 'method') {
      if (at === 0) checkVersion(byte);
      else this.#methodChosen(byte, out);
    } else {
      if (at === 0) checkNegotiation(byte);
      else if (byte !== 0) throw credentialsRefusal(byte);
      else this.#request(out);
    }
    return false;
  }

  #methodChosen(method: number, out: Outbox): void {
    if (method === METHOD.notAcceptable) throw methodsRefusal(this.#credentials !== undefined);
    if (method === METHOD.none) return this.#request(out);
    if (method !== METHOD.password || !this.#credentials)
      throw new SessionError(
        'ERR_PROTOCOL',
        `the SOCKS5 proxy chose method ${method}, which was not offered`,
      );
    this.#await('status');
    const user = Buffer.from(this.#credentials.user, 'utf8');
    const password = Buffer.from(this.#credentials.password.reveal(), 'utf8');
    out.append(Uint8Array.of(NEGOTIATION, user.length, ...user, password.length, ...password));
  }

  #request(out: Outbox): void {
    this.#await('reply');
    out.append(Uint8Array.of(VERSION, CONNECT, 0, ...this.#target));
  }

  /** A refusal is one as soon as its code is there: some proxies say no more. Where it is bound to does not concern us. */
  #replyByte(at: number, byte: number): boolean {
    if (at === 0) checkVersion(byte);
    else if (at === 1 && byte !== 0) throw replyRefusal(byte);
    else if (at === REPLY_HEAD - 1) this.#replySize = REPLY_HEAD + addressSize(byte) + PORT_SIZE;
    else if (at === REPLY_HEAD && this.#replySize === Number.POSITIVE_INFINITY)
      this.#replySize = REPLY_HEAD + 1 + byte + PORT_SIZE;
    return this.#come === this.#replySize;
  }

  #await(answer: 'status' | 'reply'): void {
    this.#awaited = answer;
    this.#come = 0;
  }
}

function checkVersion(byte: number): void {
  if (byte === VERSION) return;
  throw new SessionError('ERR_PROTOCOL', `the SOCKS5 proxy answers in version ${byte}, not ${VERSION}`, {
    hint: byte === 'H'.charCodeAt(0) ? 'does it speak HTTP?' : undefined,
  });
}

/** Some proxies put the version of SOCKS here. */
function checkNegotiation(byte: number): void {
  if (byte !== NEGOTIATION && byte !== VERSION)
    throw new SessionError(
      'ERR_PROTOCOL',
      `the SOCKS5 proxy answers credentials in version ${byte}, not ${NEGOTIATION}`,
    );
}

/** Of BND.ADDR, in bytes; a name's stands in its first byte. */
function addressSize(type: number): number {
  switch (type) {
    case ADDRESS.ipv4:
      return 4;
    case ADDRESS.ipv6:
      return 16;
    case ADDRESS.name:
      return Number.POSITIVE_INFINITY;
    default:
      throw new SessionError(
        'ERR_PROTOCOL',
        `the SOCKS5 proxy replies with address type ${type}; 1, 3 and 4 are known`,
      );
  }
}
