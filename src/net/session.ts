/**
 * What the relay and every upstream protocol agree on: a session turns the client's bytes into the wire's and back,
 * and knows no socket and no timer. The transport owns all memory; a session writes into an {@link Outbox} and keeps
 * nothing of what it was given but an incomplete record.
 */
import { Pinned, type Span } from '../../ffi/memory.ts';
import { SnetError } from '../base/errors.ts';

/** The most bytes that a transport gives to one call of a session; larger reads are cut into such pieces. */
export const PIECE = 256 * 1024;

/** Room for a sealed or opened piece, whatever headers, tags and held-back records come with it. */
const OUTBOX_SIZE = PIECE + 64 * 1024;

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
}

export type SessionStatus =
  /** A record or its length did not authenticate: wrong password or method, or somebody changed bytes. */
  | 'ERR_AEAD'
  /** The bytes authenticate but are not what the protocol allows. */
  | 'ERR_PROTOCOL'
  /** The upstream closed within a record. */
  | 'ERR_TRUNCATED';

export class SessionError extends SnetError<SessionStatus> {}
