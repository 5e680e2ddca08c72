/**
 * A client from when its connection was accepted: a stranger at first, whose bytes are read until they say, under a key,
 * where it wants to go; then it is joined to there.
 *
 * Who has no key must not find out what listens here. So whatever a stranger sends, the same happens: all of it is read,
 * nothing is answered, and the connection ends when the stranger ends it, or after a time that has nothing to do with what
 * was sent (Frolov, Wampler, Wustrow, "Detecting Probe-resistant Proxies", NDSS 2020; outline-ss-server, service/PROBES.md).
 */
import type { Socket, SocketHandler } from 'bun';
import { lend, type Span } from '../../ffi/memory.ts';
import { Outbox, SessionError, type SessionStatus } from '../net/session.ts';
import { hangUp } from '../net/socket.ts';
import { isOfTls } from '../net/tls_failure.ts';
import type { FarSession } from './far_session.ts';
import { Turned } from './turned.ts';

/** A client on its way to its target: what happens on the client's socket is told to it. */
export interface Joined {
  clientData(chunk: Uint8Array): void;
  clientEnd(): void;
  clientDrain(): void;
  clientClose(error?: Error): void;
  /** It has gone wrong: ends both sides, with a reset. */
  clientFailed(status: 'ERR_TLS' | 'ERR_INTERNAL', error: Error): void;
}

/** How the visit of one ended who was a stranger to its end. */
export type StrangerStatus =
  /** What it said was none of what is spoken here. */
  | SessionStatus
  /** It speaks no TLS, where that is spoken, or broke it off. */
  | 'ERR_TLS'
  /** It has gone before it had said enough. */
  | 'CLIENT_LEFT'
  /** It has not said enough in time. */
  | 'ERR_HANDSHAKE_TIMEOUT'
  /** It had to make room for others. */
  | 'ERR_EVICTED'
  /** A fault of ours. */
  | 'ERR_INTERNAL'
  /** snet itself stops. */
  | 'STOPPED';

/** What becomes of visitors; each is called with the visitor itself. */
export interface House {
  /** What it has said is none of what is spoken here; it stays for its time. Called at most once. */
  refused(visitor: Visitor, why: SessionError): void;
  /**
   * Connects to the target, which the session knows, and relays.
   * @param session is disposed of by whoever takes it
   */
  join(visitor: Visitor, session: Turned): Joined;
  /** It has gone, and its socket with it. Called once. @param status undefined: it was joined, and is over */
  left(visitor: Visitor, status: StrangerStatus | undefined, cause?: unknown): void;
}

/**
 * A stranger's bytes are opened in pieces of this size: what was opened by the time that the target is known has to fit
 * into the transport's outbox before the first whole piece of its own.
 */
const FIRST_PIECE = 16 * 1024;

/** Everything here runs to its end within one callback. */
const outbox = new Outbox();

export class Visitor {
  readonly socket: Socket<unknown>;
  /** Where it came from, see client_key.ts. */
  readonly client: string;
  /** Whatever the creator wants to find again. */
  readonly context: unknown;
  /** Bytes read while it was a stranger. */
  bytes = 0;
  readonly #house: House;
  readonly #session: FarSession;
  readonly #patience: Timer;
  /** It is no stranger any more. */
  #isKnown = false;
  /** From when it was joined. */
  #joined: Joined | undefined;
  /** Why it is not listened to any more. */
  #refusal: SessionError | undefined;
  #isGone = false;

  /** @param patience milliseconds that it may be a stranger for */
  constructor(
    socket: Socket<unknown>,
    client: string,
    session: FarSession,
    patience: number,
    house: House,
    context: unknown,
  ) {
    this.socket = socket;
    this.client = client;
    this.context = context;
    this.#session = session;
    this.#house = house;
    this.#patience = setTimeout(() => this.dismiss('ERR_HANDSHAKE_TIMEOUT'), patience);
  }

  /** Who it has shown to be, where several are told apart. */
  get user(): string | undefined {
    return this.#session.user;
  }

  get target(): FarSession['target'] {
    return this.#session.target;
  }

  data(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length && !this.#isGone; from += FIRST_PIECE) {
      if (this.#joined) return this.#joined.clientData(from === 0 ? chunk : chunk.subarray(from));
      this.#read(chunk.subarray(from, from + FIRST_PIECE));
    }
  }

  end(): void {
    if (this.#isKnown) this.#joined?.clientEnd();
    else this.dismiss('CLIENT_LEFT');
  }

  drain(): void {
    this.#joined?.clientDrain();
  }

  close(error?: Error): void {
    this.#joined?.clientClose(error);
    this.#forget('CLIENT_LEFT', error);
  }

  /** A handler of ours has thrown, or TLS has failed. */
  fault(error: Error): void {
    const status = isOfTls(error) ? 'ERR_TLS' : 'ERR_INTERNAL';
    if (this.#isKnown) this.#joined?.clientFailed(status, error);
    else this.dismiss(status, error);
  }

  /** Ends it, unless it is a stranger no more. */
  dismiss(status: StrangerStatus, cause?: unknown): void {
    if (this.#isKnown || this.#isGone) return;
    this.#forget(status, cause);
    hangUp(this.socket);
  }

  #read(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.#refusal) return;
    outbox.end = 0;
    try {
      lend(chunk, openFirst, this.#session);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.#refusal = error;
      this.#session.dispose();
      this.#house.refused(this, error);
      return;
    }
    if (this.#session.target === undefined) return;
    this.#isKnown = true;
    clearTimeout(this.#patience);
    this.#joined = this.#house.join(this, new Turned(this.#session, outbox.bytes.slice(0, outbox.end)));
  }

  /** Of a stranger that was refused before, that counts for more. */
  #forget(status: StrangerStatus, cause: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#patience);
    if (this.#isKnown) return this.#house.left(this, undefined);
    if (this.#refusal) return this.#house.left(this, this.#refusal.status, this.#refusal);
    this.#session.dispose();
    this.#house.left(this, status, cause);
  }
}

/** A function of the module, so that none is made for each chunk. */
function openFirst(wire: Span, session: FarSession): void {
  session.open(wire, 0, wire.bytes.length, outbox);
}

/**
 * The runtime's callbacks, handed on to the visitor that a socket belongs to.
 * @param accept makes it and puts it into `socket.data`, or ends the socket
 */
export function visitorHandlers(
  accept: (socket: Socket<Visitor | undefined>) => void,
): SocketHandler<Visitor | undefined> {
  return {
    open: accept,
    // With it, `open` comes before TLS is agreed on: who takes his time with that is a stranger, too (Bun 1.4.5).
    handshake: () => {},
    data: (socket, chunk) => socket.data?.data(chunk),
    end: (socket) => socket.data?.end(),
    drain: (socket) => socket.data?.drain(),
    close: (socket, error) => socket.data?.close(error),
    error: (socket, error) => socket.data?.fault(error),
  };
}
