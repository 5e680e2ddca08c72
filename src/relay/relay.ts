/**
 * The relay: a client's socket, an upstream's socket, a session between them. It owns backpressure, half-close and
 * every timeout; the session owns the protocol. All memory on the way is one shared outbox, so an idle connection
 * holds nothing but its two sockets and a few words.
 *
 * Life: created when the client is accepted; `dialled` for each connection attempt; `connected`; then bytes; then
 * `settle` exactly once.
 */
import type { Socket } from 'bun';
import { lend, type Span } from '../../ffi/memory.ts';
import { Outbox, PIECE, SessionError, type Session } from '../net/session.ts';
import { endInOrder, resetUnlessEnded } from '../net/socket.ts';
import { Pipe } from './pipe.ts';
import { dialStatus, type FlowStatus } from '../net/flow_status.ts';

export type RelaySocket = Socket<Relay | undefined>;

/** What the relay tells the world of; each is called with the relay itself, so no closure is made per connection. */
export interface RelayEvents {
  /** A connection attempt came to nothing: make another (`dialled` will be called), or `settle`. */
  dialFailed(relay: Relay, status: FlowStatus, cause?: unknown): void;
  /** The connection attempt worked. */
  connected(relay: Relay): void;
  /** The client has asked, and for some seconds no byte has come back. Called at most once a relay. */
  unanswered(relay: Relay): void;
  /** The relay is over; both sockets are closed or closing. */
  settled(relay: Relay, status: FlowStatus, cause?: unknown): void;
  /** Milliseconds of a coarse monotonic clock. */
  now(): number;
  /** Milliseconds to wait for the client's first bytes, to send them in one write with the session's header. */
  readonly firstData: number;
}

/** A client may send this much before the upstream is connected; then it has to wait. */
const EARLY_LIMIT = 64 * 1024;

/** Everything here runs to its end within one callback, so one of each serves all connections. */
const outbox = new Outbox();

export class Relay {
  readonly up = new Pipe();
  readonly down = new Pipe();
  readonly client: RelaySocket;
  /** What the client has said so far, in bytes; what it was told is `down.bytes`. */
  bytesUp = 0;
  /** When a byte last moved, or the relay last changed its state, by `RelayEvents.now`. */
  lastActive: number;
  status: FlowStatus | undefined;
  /** {@link RelayEvents.unanswered} was called. */
  unanswered = false;
  /** Whatever the creator wants to find again in its events. */
  readonly context: unknown;
  readonly #events: RelayEvents;
  readonly #session: Session | undefined;
  #remote: RelaySocket | undefined;
  #connected = false;
  #early: Uint8Array[] | undefined = [];
  #earlyBytes = 0;
  #firstDataTimer: Timer | undefined;

  /**
   * @param session undefined relays the bytes as they are
   * @throws SystemError if the client has closed already
   */
  constructor(client: RelaySocket, session: Session | undefined, events: RelayEvents, context: unknown) {
    this.client = client;
    resetUnlessEnded(client);
    this.#session = session;
    this.#events = events;
    this.context = context;
    this.lastActive = events.now();
    this.up.source = client;
    this.down.sink = client;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** The client has asked, and no byte has come back so far. */
  get waiting(): boolean {
    return this.#connected && this.bytesUp > 0 && this.down.bytes === 0;
  }

  /** One direction has ended, the other not yet. */
  get halfClosed(): boolean {
    return this.up.ended !== this.down.ended;
  }

  /** A connection attempt is under way on this socket. */
  dialled(remote: RelaySocket): void {
    this.#remote = remote;
    this.lastActive = this.#events.now();
  }

  clientData(chunk: Uint8Array): void {
    this.lastActive = this.#events.now();
    this.bytesUp += chunk.length;
    if (this.#early === undefined) return this.#seal(chunk);
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#connected) this.#greet();
    else if (this.#earlyBytes >= EARLY_LIMIT) this.client.pause();
  }

  clientEnd(): void {
    this.lastActive = this.#events.now();
    if (!this.#connected) {
      this.up.ended = true;
      return;
    }
    this.#greet();
    this.up.end();
    this.#settleIfDone();
  }

  clientDrain(): void {
    this.lastActive = this.#events.now();
    this.down.drain();
    this.#settleIfDone();
  }

  clientClose(error?: Error): void {
    if (this.status !== undefined) return;
    if (error !== undefined || !this.#connected || !this.down.finished)
      return this.settle('CLIENT_RESET', error);
    // After our FIN, the client's own FIN is reported as a close.
    if (!this.up.ended) this.clientEnd();
  }

  remoteData(remote: RelaySocket, chunk: Uint8Array): void {
    if (remote !== this.#remote) return;
    if (!this.#connected) this.remoteDrain(remote);
    this.lastActive = this.#events.now();
    if (this.#session === undefined) return this.down.push(chunk, chunk.length);
    try {
      lend(chunk, (wire) => this.#openPieces(wire, chunk.length));
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  remoteEnd(remote: RelaySocket): void {
    if (remote !== this.#remote) return;
    this.lastActive = this.#events.now();
    try {
      this.#session?.openEnd();
    } catch (error) {
      return this.#sessionFailed(error);
    }
    // An upstream that cannot reach the target can only close. Without this the client would take it for an empty answer.
    const silent = this.#session !== undefined && this.down.bytes === 0;
    if (silent && !this.up.ended) return this.settle('ERR_UPSTREAM_NO_ANSWER');
    this.down.end();
    this.#settleIfDone();
  }

  /** The upstream's socket can be written to; the first time this says that it is connected. */
  remoteDrain(remote: RelaySocket): void {
    if (remote !== this.#remote) return;
    this.lastActive = this.#events.now();
    if (!this.#connected) return this.#nowConnected();
    this.up.drain();
    this.#settleIfDone();
  }

  remoteClose(remote: RelaySocket, error?: Error): void {
    if (this.status !== undefined || remote !== this.#remote) return;
    if (!this.#connected) return this.dialFailed(dialStatus(error), error);
    if (error !== undefined) return this.settle('ERR_UPSTREAM_RESET', error);
    // After our FIN, the upstream's own FIN is reported as a close.
    if (!this.down.ended) this.remoteEnd(remote);
    if (this.status === undefined && !this.up.finished) this.settle('ERR_UPSTREAM_RESET');
  }

  /** It has been {@link waiting} for long. */
  noteUnanswered(): void {
    if (this.unanswered) return;
    this.unanswered = true;
    this.#events.unanswered(this);
  }

  /** The attempt under way failed, or took too long. */
  dialFailed(status: FlowStatus, cause?: unknown): void {
    const failed = this.#remote;
    this.#remote = undefined;
    failed?.terminate();
    this.#events.dialFailed(this, status, cause);
  }

  /**
   * Ends the relay now. Anything but an orderly end resets both sides, so that programs see a failure as one.
   * Does nothing the second time.
   */
  settle(status: FlowStatus, cause?: unknown): void {
    if (this.status !== undefined) return;
    this.status = status;
    clearTimeout(this.#firstDataTimer);
    this.#early = undefined;
    if (status === 'OK') {
      endInOrder(this.client);
      this.#remote?.end();
    } else {
      this.client.terminate();
      this.#remote?.terminate();
    }
    this.#session?.dispose();
    this.#events.settled(this, status, cause);
  }

  #nowConnected(): void {
    this.#connected = true;
    this.#events.connected(this);
    this.up.sink = this.#remote;
    this.down.source = this.#remote;
    if (this.#earlyBytes > 0 || this.up.ended || this.#session === undefined) {
      // Before the greeting, which may pause the client again.
      if (this.#earlyBytes >= EARLY_LIMIT) this.client.resume();
      this.#greet();
      if (this.up.ended) this.up.end();
      return;
    }
    this.#firstDataTimer = setTimeout(() => this.#greet(), this.#events.firstData);
  }

  /** Sends the session's header, in one write with what the client has said so far. */
  #greet(): void {
    const early = this.#early;
    if (early === undefined) return;
    this.#early = undefined;
    clearTimeout(this.#firstDataTimer);
    this.#firstDataTimer = undefined;
    if (early.length === 1) this.#seal(early[0]!);
    else if (early.length > 1 || this.#session !== undefined) this.#seal(Buffer.concat(early));
  }

  #seal(chunk: Uint8Array): void {
    if (this.#session === undefined) return this.up.push(chunk, chunk.length);
    try {
      lend(chunk, (plain) => this.#sealPieces(plain, chunk.length));
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  #sealPieces(plain: Span, length: number): void {
    for (let from = 0; (from === 0 || from < length) && this.status === undefined; from += PIECE) {
      outbox.end = 0;
      this.#session!.seal(plain, from, Math.min(from + PIECE, length), outbox);
      this.up.push(outbox.bytes, outbox.end);
    }
  }

  #openPieces(wire: Span, length: number): void {
    for (let from = 0; from < length && this.status === undefined; from += PIECE) {
      outbox.end = 0;
      try {
        this.#session!.open(wire, from, Math.min(from + PIECE, length), outbox);
      } finally {
        // Records before a bad one are good: the client gets them before the reset.
        this.down.push(outbox.bytes, outbox.end);
      }
    }
  }

  #sessionFailed(error: unknown): void {
    this.settle(error instanceof SessionError ? error.status : 'ERR_INTERNAL', error);
  }

  #settleIfDone(): void {
    if (this.up.finished && this.down.finished) this.settle('OK');
  }
}
