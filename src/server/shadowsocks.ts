/**
 * The far end of Shadowsocks: listens, reads where each client wants to go, and has it joined to there. It knows
 * neither a cipher nor how bytes are pumped: both are given to it by whoever wires the program together.
 */
import type { Socket } from 'bun';
import { lend } from '../../ffi/memory.ts';
import { Outbox, SessionError, type Session } from '../net/session.ts';

/** The server's end of a session: `open` takes the client's bytes, `seal` gives those for the client. */
export interface FarSession<Target> extends Session {
  /** Where the client wants to go; undefined until `open` has seen all of it, and gives nothing before that. */
  readonly target: Target | undefined;
}

/** A client on its way to its target: what happens on the client's socket is told to it. */
export interface Joined {
  clientData(chunk: Uint8Array): void;
  clientEnd(): void;
  clientDrain(): void;
  clientClose(error?: Error): void;
  /** Something came that no honest client sends: ends both sides, with a reset. */
  clientFailed(error: SessionError): void;
}

export interface ServeOptions<Target> {
  readonly hostname: string;
  readonly port: number;
  readonly session: () => FarSession<Target>;
  /**
   * Connects to the target and relays. The session given is turned round, `seal` on the way from the client to the
   * target, and is disposed of by the one that it was given to.
   */
  readonly join: (client: Socket<unknown>, session: Session, target: Target) => Joined;
  /** Milliseconds in which a client must have said its target. */
  readonly patience: number;
}

/**
 * Clients' first bytes are opened in pieces of this size, until they have said the target: what was opened by then has
 * to fit into the transport's outbox before the first whole piece of its own.
 */
const FIRST_PIECE = 16 * 1024;

/** Everything here runs to its end within one callback. */
const outbox = new Outbox();

/** Listens. @throws what Bun.listen throws, e.g. with code EADDRINUSE */
export function serveShadowsocks<Target>(options: ServeOptions<Target>): {
  readonly port: number;
  stop(): void;
} {
  const listener = Bun.listen<Flow<Target> | undefined>({
    hostname: options.hostname,
    port: options.port,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.data = new Flow(socket, options);
      },
      data: (socket, chunk) => socket.data?.data(chunk),
      end: (socket) => socket.data?.end(),
      drain: (socket) => socket.data?.drain(),
      close: (socket, error) => socket.data?.close(error),
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}

class Flow<Target> {
  readonly #client: Socket<unknown>;
  readonly #session: FarSession<Target>;
  readonly #join: ServeOptions<Target>['join'];
  readonly #patience: Timer;
  #joined: Joined | undefined;
  /** The client has not proved that it knows the password: it gets no answer, whatever it sends. */
  #deaf = false;

  constructor(client: Socket<unknown>, { session, join, patience }: ServeOptions<Target>) {
    this.#client = client;
    this.#session = session();
    this.#join = join;
    this.#patience = setTimeout(() => client.end(), patience);
  }

  data(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length && !this.#deaf; from += FIRST_PIECE) {
      if (this.#joined) return this.#joined.clientData(chunk.subarray(from));
      this.#greet(chunk.subarray(from, from + FIRST_PIECE));
    }
  }

  end(): void {
    try {
      this.#session.openEnd();
    } catch (error) {
      // A FIN passed on here would make a whole out of a part.
      if (error instanceof SessionError)
        return this.#joined ? this.#joined.clientFailed(error) : this.#leave();
      throw error;
    }
    if (this.#joined) this.#joined.clientEnd();
    else this.#leave();
  }

  drain(): void {
    this.#joined?.clientDrain();
  }

  close(error?: Error): void {
    clearTimeout(this.#patience);
    if (this.#joined) this.#joined.clientClose(error);
    else this.#session.dispose();
  }

  /** Opens the client's first bytes, until they say the target. */
  #greet(chunk: Uint8Array): void {
    outbox.end = 0;
    try {
      lend(chunk, (wire) => this.#session.open(wire, 0, chunk.length, outbox));
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      // Closing now would tell a prober how many bytes it takes to be refused.
      this.#deaf = true;
      return;
    }
    const target = this.#session.target;
    if (target === undefined) return;
    clearTimeout(this.#patience);
    const turned = turnedRound(this.#session, outbox.bytes.slice(0, outbox.end));
    this.#joined = this.#join(this.#client, turned, target);
  }

  #leave(): void {
    clearTimeout(this.#patience);
    this.#client.end();
  }
}

/** @param first what the session has opened already; it goes before all else that `seal` gives */
function turnedRound(session: Session, first: Uint8Array): Session {
  let pending: Uint8Array | undefined = first;
  return {
    seal(wire, from, to, out) {
      if (pending !== undefined) {
        const offset = out.take(pending.length);
        out.bytes.set(pending, offset);
        pending = undefined;
      }
      session.open(wire, from, to, out);
    },
    open: (plain, from, to, out) => session.seal(plain, from, to, out),
    // A target may end wherever it likes.
    openEnd: () => {},
    dispose: () => session.dispose(),
  };
}
