/** A connection to a resolver that carries many queries at once, whatever it is made of. */
import type { EndSignal } from './end.ts';
import { ExchangeError } from './exchange.ts';

export interface AskOptions {
  readonly signal: EndSignal;
  readonly accept?: (answer: Uint8Array) => boolean;
}

export interface Connection {
  readonly isOver: boolean;
  /** It takes no more, now or ever. */
  readonly isFull: boolean;
  /**
   * As {@link Exchange.ask}, but for this: no second answer comes over a connection, so that one that `accept` refuses
   * ends the wait.
   *
   * @throws ExchangeError if that is how it ended, not the connection
   */
  ask(query: Uint8Array, options: AskOptions): Promise<Uint8Array | Lost>;
  /** Ends it; who waits gets a {@link Lost}. */
  close(error: ExchangeError): void;
}

/** The connection ended before the answer came. */
export interface Lost {
  readonly error: ExchangeError;
  /** It was open, so that another may be as well. */
  readonly worked: boolean;
  /** If a query is why, it is this one: no other ever was on the connection, or no other was refused. */
  readonly alone: boolean;
  /** The same for all that were lost with the connection. */
  readonly together: Together;
}

/** Queries that were lost at once. */
export interface Together {
  /** How many, with those that nobody waited for any more. */
  readonly count: number;
}

/** Milliseconds. Through an upstream, with TLS, opening takes several round trips around the world. */
const OPENING = 4_000;
/** Something is asked and nothing comes: the path is dead, and TCP would take minutes to say so. */
const SILENCE = 2_500;
/** Nothing is asked (RFC 7766 §6.2.3: the client closes what it doesn't use). */
const IDLE = 30_000;

/** Ends a connection on which nothing happens. Begins as one that is being opened. */
export interface Watch {
  /** It is open, or something came, or something was asked after nothing was: the time begins again. */
  restart(underWay: number): void;
  stop(): void;
}

export function createWatch(label: string, end: (error: ExchangeError) => void): Watch {
  const within = (milliseconds: number, what: string) => {
    const timer = setTimeout(() => end(unreachable(`${label}: ${what}`)), milliseconds);
    // What waits for an answer keeps the process alive by its socket.
    timer.unref();
    return timer;
  };
  let timer = within(OPENING, `no connection within ${OPENING / 1000} s`);
  return {
    restart(underWay) {
      clearTimeout(timer);
      timer =
        underWay > 0
          ? within(SILENCE, 'the connection has fallen silent')
          : within(IDLE, 'the connection was not used any more');
    },
    stop: () => clearTimeout(timer),
  };
}

export function unreachable(message: string, cause?: unknown): ExchangeError {
  return new ExchangeError('ERR_DNS_UNREACHABLE', message, { cause });
}

/** The answer was not believed, and there is no other. The resolver itself has done what it should. */
export class NotBelievedError extends ExchangeError {}

export function notBelieved(label: string): NotBelievedError {
  return new NotBelievedError('ERR_DNS_PROTOCOL', `${label}: its answer is not to be believed`);
}
