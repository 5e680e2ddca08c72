/**
 * What the relay and every upstream protocol agree on: a session turns the client's bytes into the wire's and back,
 * and knows no socket and no timer. The transport owns all memory; a session writes into an {@link Outbox} and keeps
 * nothing of what it was given but an incomplete record.
 */
import { Pinned, type Span } from '../../ffi/memory.ts';
import { SnetError, type Explanation } from '../base/errors.ts';

/** The most bytes that a transport gives to one call of a session; larger reads are cut into such pieces. */
export const PIECE = 256 * 1024;

/**
 * Room for what becomes of a piece, whatever headers, tags and held-back records come with it, also where sessions are
 * nested, four at most: each holds back less than 66 KiB, and makes less than 1 % of a piece in headers and tags.
 */
const OUTBOX_SIZE = PIECE + 320 * 1024;

/**
 * Where a session appends its output: `bytes[0..end)` is filled. The transport empties it (sets `end` to 0) after it
 * has handed the bytes on; one outbox serves all connections, since all of this is synchronous.
 */
export class Outbox extends Pinned {
  /** Bytes filled so far. */
  end = 0;

  constructor(size: number = OUTBOX_SIZE) {
    super(size);
  }

  /**
   * Takes the next `length` bytes.
   * @returns the offset at which they begin
   * @throws RangeError if they do not fit: a session that grew its input more than it may
   */
  take(length: number): number {
    const offset = this.end;
    if (offset + length > this.bytes.length)
      throw new RangeError(`no room for ${length} bytes in the outbox`);
    this.end = offset + length;
    return offset;
  }

  /** Copies bytes behind what is there. @throws RangeError if they do not fit */
  append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.take(bytes.length));
  }
}

/** One connection through one upstream. Calls may be split at any byte; the result is the same. */
export interface Session {
  /**
   * Appends the wire form of the client's bytes `plain[from..to)`. The first call puts the protocol's header before
   * them; an empty range then sends the header alone (for a client that waits for the server to speak first).
   * At most {@link PIECE} bytes a call.
   */
  seal(plain: Span, from: number, to: number, out: Outbox): void;

  /**
   * Appends what the upstream's bytes `wire[from..to)` mean for the client. An incomplete record is kept for the
   * next call. At most {@link PIECE} bytes a call.
   * @throws SessionError for bytes that no honest upstream sends; the session is dead then
   */
  open(wire: Span, from: number, to: number, out: Outbox): void;

  /**
   * The upstream has ended its direction.
   * @throws SessionError if that cuts a record in two
   */
  openEnd(): void;

  /** Gives back pooled memory. Called once, after the last other call. */
  dispose(): void;

  /**
   * From here on, in both directions, bytes go as they are: who carries them may leave the session out of their way
   * (and dispose of it). Never true before the first `seal`.
   */
  readonly isPlain?: boolean;

  /**
   * The far end says nothing of whether it reaches the target, nor of whether it believes us; where it doesn't, it can
   * only close.
   */
  readonly isOnTrust?: boolean;

  /** In a chain: the labels of those of whom nothing was heard so far, if that is who may be at fault. */
  readonly hop?: string | undefined;
}

/**
 * What is said before a tunnel is open, where the far end is waited for: a request, and the answer to it. All of it is
 * over before a byte of the client's is sent. Calls may be split at any byte; the result is the same.
 */
export interface Handshake {
  /** Appends what we say first. Called once, before all else. */
  begin(out: Outbox): void;

  /**
   * Reads the far end's bytes `wire[from..to)`. Appends to `out` what we say next, and to `rest` what belongs to the
   * tunnel already: plain bytes for the client. At most {@link PIECE} bytes a call.
   * @returns whether it is over; no other call follows then
   * @throws SessionError if the far end refuses, or speaks something else. Nothing is sent after that.
   */
  receive(wire: Span, from: number, to: number, out: Outbox, rest: Outbox): boolean;

  /**
   * The far end has ended its direction within the handshake.
   * @throws SessionError always
   */
  end(): never;

  /** In a chain: the label of the server whose answer is waited for. */
  readonly hop?: string | undefined;
}

/** What to speak on one connection: first the handshake, then the session; without a session bytes go as they are. */
export interface Tunnel {
  readonly handshake?: Handshake | undefined;
  readonly session?: Session | undefined;
  /** In a chain: the label of the server that it is spoken with first. */
  readonly hop?: string | undefined;
}

export type SessionStatus =
  /** A record or its length did not authenticate: wrong password or method, or somebody changed bytes. */
  | 'ERR_AEAD'
  /** The bytes authenticate but are not what the protocol allows. */
  | 'ERR_PROTOCOL'
  /** The upstream closed within a record. */
  | 'ERR_TRUNCATED'
  | RefusalStatus
  | ChainStatus;

/** Why the outer far end of a chain won't, or can't, connect to the inner one: as if that had been dialled by ourselves. */
export type ChainStatus = 'ERR_DIAL_REFUSED' | 'ERR_DIAL_UNREACHABLE' | 'ERR_DIAL_TIMEOUT' | 'ERR_DIAL';

/** Why a far end that answers won't, or can't, open the tunnel. The message has the code that it gave. */
export type RefusalStatus =
  /** It wants credentials, or other ones: HTTP 407, SOCKS5 method 0xFF, RFC 1929 status. */
  | 'ERR_PROXY_AUTH'
  /** Its rules forbid this target or this client: HTTP 403, SOCKS5 reply 2. */
  | 'ERR_PROXY_DENIED'
  /** It can't at the moment, by its own fault: HTTP 503, 429. */
  | 'ERR_PROXY_UNAVAILABLE'
  /** It can't do what was asked at all: HTTP 405, 501, SOCKS5 replies 7 and 8. */
  | 'ERR_PROXY_UNSUPPORTED'
  /** It says that it failed, not why: SOCKS5 reply 1, any other HTTP status. */
  | 'ERR_PROXY_FAILED'
  /** It closed instead of an answer. */
  | 'ERR_PROXY_CLOSED'
  /** It found no way to the target: HTTP 502, SOCKS5 replies 3 (network) and 4 (host). */
  | 'ERR_TARGET_UNREACHABLE'
  /** The target refused it: SOCKS5 reply 5. */
  | 'ERR_TARGET_REFUSED'
  /** The target did not answer it in time: HTTP 504, SOCKS5 reply 6 (TTL expired). */
  | 'ERR_TARGET_TIMEOUT';

export class SessionError extends SnetError<SessionStatus> {
  /** In a chain: the label of the server at which it went wrong; the message begins with it. */
  readonly hop: string | undefined;

  constructor(
    status: SessionStatus,
    message: string,
    { hop, ...explanation }: Explanation & { readonly hop?: string | undefined } = {},
  ) {
    super(status, message, explanation);
    this.hop = hop;
  }
}

/** The far side knows the key, but its clock is too far from ours for it to be believed: its bytes may be a recording. */
export class ClockError extends SessionError {
  /** By how much, in seconds. */
  readonly apart: number;
  /** Whether it is ahead of ours. */
  readonly isAhead: boolean;

  constructor(message: string, apart: number, isAhead: boolean, explanation: Explanation) {
    super('ERR_PROTOCOL', message, explanation);
    this.apart = apart;
    this.isAhead = isAhead;
  }
}
