/**
 * The relay: a client's socket, an upstream's socket, a session between them. It owns backpressure and half-close; the
 * session owns the protocol. All memory on the way is one shared outbox, so an idle connection holds nothing but its
 * two sockets and a few words.
 *
 * Life: created when the client is accepted; `opened` when there is a tunnel; then bytes; then `settle` exactly once.
 */
import type { Socket } from 'bun';
import { lend, type Span } from '../../ffi/memory.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import type { HasAddress } from '../net/local_addresses.ts';
import { causeAt } from '../net/hop.ts';
import { Outbox, PIECE, SessionError, type Session } from '../net/session.ts';
import { endInOrder, resetUnlessEnded, type RemoteEnd, type RemoteSocket } from '../net/socket.ts';
import { TlsError } from '../net/tls_failure.ts';
import { Pipe } from './pipe.ts';

export type ClientSocket = Socket<Relay | undefined>;

/** What the relay tells the world of; each is called with the relay itself, so no closure is made per connection. */
export interface RelayEvents {
  /** The client has asked, and for some seconds no byte has come back. Called at most once a relay. */
  unanswered(relay: Relay): void;
  /** A byte has come back; told a moment later. Called at most once a relay. */
  answered(relay: Relay): void;
  /** The relay is over; both sockets are closed or closing. */
  settled(relay: Relay, status: FlowStatus, cause?: unknown): void;
  /** Milliseconds of a coarse monotonic clock. */
  now(): number;
  /** Milliseconds to wait for the client's first bytes, to send them in one write with the session's header. */
  readonly firstData: number;
}

/** Whoever opens the tunnel for a relay. */
export interface Approach {
  /** Gives up what takes longer than `longest` milliseconds; `now` as of `performance.now`. */
  expire(now: number, longest: number): void;
  /**
   * The tunnel has failed before anything was sent or came back: opens another by an upstream that was not tried yet.
   * @returns false: there is none
   */
  again(status: FlowStatus, cause: unknown): boolean;
  /** It is known by now that the tunnel leads nowhere, and there is another way. Left out: that is never known. */
  readonly isFutile?: boolean;
  /** Begins anew what goes out by an address that the machine has no more. Left out: nothing does. */
  leaveGone?(hasAddress: HasAddress): void;
  /** The relay is over; no tunnel is wanted any more. */
  abandon(): void;
}

/** A client may send this much before there is a tunnel; then it has to wait. */
const EARLY_LIMIT = 64 * 1024;

/** Everything here runs to its end within one callback, so one of each serves all connections. */
const outbox = new Outbox();

export class Relay implements RemoteEnd {
  up = new Pipe();
  readonly down = new Pipe();
  readonly client: ClientSocket;
  /** What the client has said so far, in bytes; what it was told is `down.bytes`. */
  bytesUp = 0;
  /** When a byte last moved, or the relay last changed its state, by `RelayEvents.now`. */
  lastActive: number;
  status: FlowStatus | undefined;
  /** What the events were told of the answer so far. */
  #toldOfAnswer: 'nothing' | 'unanswered' | 'answered' = 'nothing';
  /** Whatever the creator wants to find again in its events. */
  readonly context: unknown;
  /** Opens the tunnel. */
  approach: Approach | undefined;
  readonly #events: RelayEvents;
  #session: Session | undefined;
  /** See Session.isOnTrust; of one that is gone already, too. */
  #onTrust = false;
  #remote: RemoteSocket | undefined;
  #early: Uint8Array[] | undefined = [];
  #earlyBytes = 0;
  #firstDataTimer: Timer | undefined;

  /** @throws SystemError if the client has closed already */
  constructor(client: ClientSocket, events: RelayEvents, context: unknown) {
    this.client = client;
    resetUnlessEnded(client);
    this.#events = events;
    this.context = context;
    this.lastActive = events.now();
    this.up.source = client;
    this.down.sink = client;
  }

  get isOpen(): boolean {
    return this.#remote !== undefined;
  }

  /**
   * The tunnel may begin at an address that the machine has no more: nothing comes through it then, and TCP would take minutes
   * to say so.
   * @returns whether the relay is over for that reason; while there is no tunnel yet, it is opened by another way
   */
  leaveGone(hasAddress: HasAddress): boolean {
    if (!this.isOpen) {
      this.approach?.leaveGone?.(hasAddress);
      return false;
    }
    // None: it begins within the machine, at one end of a pair.
    const local = this.#remote?.localAddress;
    if (local === undefined || hasAddress(local)) return false;
    this.settle('ERR_NETWORK_CHANGED');
    return true;
  }

  /** The client has asked, and no byte has come back so far. */
  get waiting(): boolean {
    return this.isOpen && this.bytesUp > 0 && this.down.bytes === 0;
  }

  /** One direction has ended, the other not yet. */
  get halfClosed(): boolean {
    return this.up.ended !== this.down.ended;
  }

  /**
   * There is a tunnel: the socket's events come here from now on.
   * @param session undefined relays the bytes as they are; disposed of by the relay
   * @param first for the client, already opened; the caller may reuse the bytes
   */
  opened(remote: RemoteSocket, session: Session | undefined, first: Uint8Array): void {
    if (this.status !== undefined) {
      remote.terminate();
      session?.dispose();
      return;
    }
    this.#remote = remote;
    this.#session = session;
    this.#onTrust = session?.isOnTrust === true;
    this.lastActive = this.#events.now();
    this.up.sink = remote;
    this.down.source = remote;
    this.down.push(first, first.length);
    // Before the greeting, which may pause the client again.
    if (this.#earlyBytes >= EARLY_LIMIT) this.client.resume();
    if (this.#earlyBytes > 0 || this.up.ended || session === undefined) {
      this.#greet();
      if (this.up.ended) this.up.end();
      return;
    }
    this.#firstDataTimer = setTimeout(() => this.#greet(), this.#events.firstData);
  }

  clientData(chunk: Uint8Array): void {
    this.lastActive = this.#events.now();
    this.bytesUp += chunk.length;
    if (this.#early === undefined) return this.#seal(chunk);
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.isOpen) this.#greet();
    else if (this.#earlyBytes >= EARLY_LIMIT) this.client.pause();
  }

  clientEnd(): void {
    this.lastActive = this.#events.now();
    if (!this.isOpen) {
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
    if (error !== undefined || !this.isOpen || !this.down.finished) return this.settle('CLIENT_RESET', error);
    // After our FIN, the client's own FIN is reported as a close.
    if (!this.up.ended) this.clientEnd();
  }

  remoteDialled(): void {}

  remoteSecured(): void {}

  remoteData(remote: RemoteSocket, chunk: Uint8Array): void {
    if (this.status !== undefined || remote !== this.#remote) return;
    this.lastActive = this.#events.now();
    if (this.#session === undefined) return this.down.push(chunk, chunk.length);
    try {
      lend(chunk, openPieces, this);
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  remoteEnd(remote: RemoteSocket): void {
    if (this.status !== undefined || remote !== this.#remote) return;
    this.lastActive = this.#events.now();
    try {
      this.#session?.openEnd();
    } catch (error) {
      return this.#sessionFailed(error);
    }
    // Without this the client would take it for an empty answer.
    if (this.#onTrust && this.down.bytes === 0 && !this.up.ended)
      return this.#failed('ERR_UPSTREAM_NO_ANSWER', this.#unanswered());
    this.down.end();
    this.#settleIfDone();
  }

  remoteDrain(remote: RemoteSocket): void {
    if (remote !== this.#remote) return;
    this.lastActive = this.#events.now();
    this.up.drain();
    this.#settleIfDone();
  }

  remoteClose(remote: RemoteSocket, error?: Error): void {
    if (this.status !== undefined || remote !== this.#remote) return;
    if (error instanceof TlsError) return this.#failed(error.status, error);
    if (error !== undefined) {
      // A far end that can say nothing else may as well reset. With bytes on their way to it, something broke.
      const isAnswer = this.#onTrust && this.down.bytes === 0 && this.up.waiting === 0;
      return isAnswer
        ? this.#failed('ERR_UPSTREAM_NO_ANSWER', this.#unanswered(error))
        : this.#failed('ERR_UPSTREAM_RESET', error);
    }
    // After our FIN, the upstream's own FIN is reported as a close.
    if (!this.down.ended) this.remoteEnd(remote);
    if (this.isOpen && !this.up.finished) this.settle('ERR_UPSTREAM_RESET');
  }

  remoteFault(_: RemoteSocket, error: Error): void {
    this.settle('ERR_INTERNAL', error);
  }

  /** There is a tunnel, and the client has sent nothing and was told nothing so far. */
  get #isFresh(): boolean {
    return this.isOpen && this.bytesUp === 0 && this.down.bytes === 0 && !this.up.ended;
  }

  /** To be called now and then: leaves a tunnel that leads nowhere for another, if the client need not know. */
  leaveFutile(): void {
    if (this.#isFresh && this.approach?.isFutile === true)
      this.#failed('ERR_UPSTREAM_NO_ANSWER', this.#unanswered());
  }

  /** Of a chain, while nothing has come back: the labels of those on trust. */
  get unheard(): string | undefined {
    return this.#onTrust && this.down.bytes === 0 ? this.#session?.hop : undefined;
  }

  #unanswered(cause?: unknown): unknown {
    return causeAt(this.unheard, 'ERR_UPSTREAM_NO_ANSWER', cause);
  }

  /** The tunnel is gone. Who has sent nothing, and was told nothing, need not know, if there is another way. */
  #failed(status: FlowStatus, cause?: unknown): void {
    if (!this.#isFresh) return this.settle(status, cause);
    clearTimeout(this.#firstDataTimer);
    this.#firstDataTimer = undefined;
    const remote = this.#remote;
    this.#remote = undefined;
    this.#early = [];
    this.up = new Pipe();
    this.up.source = this.client;
    this.#session?.dispose();
    this.#session = undefined;
    remote?.terminate();
    if (this.approach?.again(status, cause) !== true) this.settle(status, cause);
  }

  /** It has been {@link waiting} for long. */
  noteUnanswered(): void {
    if (this.#toldOfAnswer !== 'nothing') return;
    this.#toldOfAnswer = 'unanswered';
    this.#events.unanswered(this);
  }

  /** To be called now and then: tells if there was an answer. */
  noteAnswer(): void {
    if (this.down.bytes === 0 || this.#toldOfAnswer === 'answered') return;
    this.#toldOfAnswer = 'answered';
    this.#events.answered(this);
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
    this.approach?.abandon();
    this.#session?.dispose();
    this.noteAnswer();
    this.#events.settled(this, status, cause);
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
      lend(chunk, sealPieces, this);
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  /** For {@link sealPieces}. */
  sealPieces(plain: Span): void {
    const session = this.#session!;
    const { length } = plain.bytes;
    for (let from = 0; (from === 0 || from < length) && this.status === undefined; from += PIECE) {
      outbox.end = 0;
      session.seal(plain, from, Math.min(from + PIECE, length), outbox);
      this.up.push(outbox.bytes, outbox.end);
    }
    if (session.isPlain === true && this.status === undefined) {
      this.#session = undefined;
      session.dispose();
    }
  }

  /** For {@link openPieces}. */
  openPieces(wire: Span): void {
    const { length } = wire.bytes;
    for (let from = 0; from < length && this.status === undefined; from += PIECE) {
      outbox.end = 0;
      try {
        this.#session!.open(wire, from, Math.min(from + PIECE, length), outbox);
      } finally {
        // Records before a bad one are good: they go as far as the client's socket takes them before the reset.
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

/** Functions of the module, so that none is made for each chunk. */
function sealPieces(plain: Span, relay: Relay): void {
  relay.sealPieces(plain);
}

function openPieces(wire: Span, relay: Relay): void {
  relay.openPieces(wire);
}
