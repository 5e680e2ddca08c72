/** The server's end of one connection of the TLS tunnel, within TLS: who the client is, and where it wants to go. */
import { createHash, timingSafeEqual, type Hash } from 'node:crypto';
import type { Span } from '../../../ffi/memory.ts';
import type { Secret } from '../../base/secret.ts';
import { parseAddress, type Address } from '../../net/address.ts';
import { SessionError, type Outbox, type Session } from '../../net/session.ts';
import { isHostName, type Target } from '../../net/target.ts';

export interface TunnelUser {
  /** For logs and counters. */
  readonly name: string;
  /** See {@link digestOf}. */
  readonly digest: Uint8Array;
}

/** What a token is known by: SHA-256, so that all are of one length, and none is kept for each connection. */
export function digestOf(token: Secret): Uint8Array {
  return createHash('sha256').update(token.reveal(), 'utf8').digest();
}

/** What comes next of the header. */
type Part = 'token size' | 'token' | 'host size' | 'host' | 'port';

const NUMBER_SIZE = 2;
/** A name's; an address with brackets is shorter. */
const LONGEST_HOST = 255;

/** `open` takes the client's bytes, `seal` gives those for the client. */
export class ServerSession implements Session {
  readonly #users: readonly TunnelUser[];
  #part: Part = 'token size';
  /** Bytes of the part that have not come. */
  #missing = NUMBER_SIZE;
  /** Of the part, unless it is the token. */
  #come: number[] = [];
  /** Of the token, of which nothing is kept. */
  #hash: Hash | undefined;
  #host: string | Address = '';
  #user: string | undefined;
  #target: Target | undefined;

  constructor(users: readonly TunnelUser[]) {
    this.#users = users;
  }

  /** Where the client wants to go; undefined until `open` has seen all of it. */
  get target(): Target | undefined {
    return this.#target;
  }

  /** The name of the one whose token it is; undefined until that is known. */
  get user(): string | undefined {
    return this.#user;
  }

  /** Once the target is known, of the way back too: nothing is said to the client in front of its bytes. */
  get isPlain(): boolean {
    return this.#target !== undefined;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    out.append(plain.bytes.subarray(from, to));
  }

  /**
   * Appends what is for the target; nothing before `target` is known.
   * @throws SessionError ERR_PROXY_AUTH for a token of nobody, when all of it has come; ERR_PROTOCOL for a target that is
   *   none. What to do then is up to whoever has the connection: to close at once tells a prober that something listens
   *   to what it says.
   */
  open(wire: Span, from: number, to: number, out: Outbox): void {
    let at = from;
    while (this.#target === undefined && at < to) at = this.#read(wire.bytes, at, to);
    out.append(wire.bytes.subarray(at, to));
  }

  /** @throws SessionError if the client ends within the header. To end before the first byte is no error. */
  openEnd(): void {
    if (this.#target !== undefined || (this.#part === 'token size' && this.#come.length === 0)) return;
    throw new SessionError('ERR_TRUNCATED', 'the stream ended within the header of the tunnel');
  }

  dispose(): void {}

  /** Reads what there is of the current part. @returns the offset behind it */
  #read(bytes: Uint8Array, from: number, to: number): number {
    const end = Math.min(to, from + this.#missing);
    const fresh = bytes.subarray(from, end);
    this.#missing -= fresh.length;
    if (this.#hash) this.#hash.update(fresh);
    else this.#come.push(...fresh);
    if (this.#missing === 0) this.#completed(this.#come);
    return end;
  }

  #completed(come: readonly number[]): void {
    switch (this.#part) {
      case 'token size':
        this.#hash = createHash('sha256');
        this.#await('token', number(come));
        // Nothing more need come for the judgement on an empty one.
        if (this.#missing === 0) this.#completed([]);
        return;
      case 'token':
        this.#user = this.#userOf(this.#hash!.digest());
        this.#hash = undefined;
        return this.#await('host size', NUMBER_SIZE);
      case 'host size': {
        const size = number(come);
        if (size < 1 || size > LONGEST_HOST)
          throw new SessionError('ERR_PROTOCOL', `a target whose host has ${size} bytes`);
        return this.#await('host', size);
      }
      case 'host':
        this.#host = readHost(String.fromCharCode(...come));
        return this.#await('port', NUMBER_SIZE);
      case 'port': {
        const port = number(come);
        if (port === 0) throw new SessionError('ERR_PROTOCOL', 'a target with port 0');
        this.#come = [];
        const host = this.#host;
        this.#target = typeof host === 'string' ? { name: host, port } : { address: host, port };
      }
    }
  }

  #await(part: Part, size: number): void {
    this.#part = part;
    this.#missing = size;
    this.#come = [];
  }

  /** Compares with all, whoever it is: how long it takes says nothing. */
  #userOf(digest: Uint8Array): string {
    const own = this.#users.filter((user) => timingSafeEqual(user.digest, digest));
    if (own.length === 0) throw new SessionError('ERR_PROXY_AUTH', 'a token of nobody');
    return own[0]!.name;
  }
}

function number(bytes: readonly number[]): number {
  return (bytes[0]! << 8) | bytes[1]!;
}

/** @throws SessionError for what is neither an address nor a host's name */
function readHost(text: string): string | Address {
  const bracketed = /^\[(.*)\]$/.exec(text)?.[1];
  const address = parseAddress(bracketed ?? text);
  // In brackets stands IPv6 only.
  if (address && (bracketed === undefined || address.family === 6)) return address;
  if (!isHostName(text)) throw new SessionError('ERR_PROTOCOL', 'a target with a malformed host');
  return text;
}
