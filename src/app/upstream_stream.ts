/** Streams for rooms that know no upstream: a socket, and the upstream's session between it and the stream's bytes. */
import type { Socket, SocketHandler } from 'bun';
import { lend } from '../../ffi/memory.ts';
import type { Endpoint } from '../net/address.ts';
import type { ByteStream, ByteStreamEvents, OpenStream } from '../net/byte_stream.ts';
import { Outbox, PIECE, type Session } from '../net/session.ts';
import { dial } from '../upstream/dial.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** Bytes that may wait for a network that takes none: more than all queries that a resolver is asked at once. */
const MOST_WAITING = 1 << 20;

/** Everything between a call and its return uses it, so one serves all streams. */
const outbox = new Outbox();

/**
 * Opens streams by way of an upstream; with `direct` these are plain sockets. Its endpoints are tried one after the
 * other, each until it fails or the stream is closed; that, too, counts as a failure of one that had not answered yet.
 */
export function streamsBy(upstream: Upstream): OpenStream {
  return (destination, events) => openStream(upstream, destination, events);
}

interface Line {
  connected(): void;
  data(bytes: Uint8Array): void;
  ended(): void;
  /** The socket can take bytes again. */
  drained(): void;
  /** @param socket the one that has closed, or that failed to connect */
  closed(socket: Socket<Line>, error: Error | undefined): void;
}

const handlers: SocketHandler<Line> = {
  data: (socket, bytes) => {
    socket.data.connected();
    socket.data.data(bytes);
  },
  // The first says that it is connected, see dial().
  drain: (socket) => {
    socket.data.connected();
    socket.data.drained();
  },
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data.closed(socket, error),
  error: (socket, error) => socket.data.closed(socket, error),
};

function openStream(upstream: Upstream, destination: Endpoint, events: ByteStreamEvents): ByteStream {
  const session = upstream.session(destination);
  let untried = upstream.endpoints(destination);
  let endpoint: Endpoint | undefined;
  let socket: Socket<Line> | undefined;
  let isConnected = false;
  let isOver = false;
  /** What the kernel hasn't taken yet. */
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;

  function connectNext(reason: Error): void {
    const [next, ...rest] = untried;
    if (next === undefined) return finish(reason);
    endpoint = next;
    untried = rest;
    try {
      // `open` is called before this returns.
      dial<Line>(next, { ...handlers, open: (dialled) => (socket = dialled) && undefined }, line);
    } catch (error) {
      upstream.report(next, false);
      connectNext(errorOf(error));
    }
  }

  function finish(error: Error | undefined): void {
    if (isOver) return;
    release();
    events.close(error);
  }

  function release(): void {
    isOver = true;
    waiting = [];
    socket?.terminate();
    session?.dispose();
  }

  function send(bytes: Uint8Array): void {
    const taken = waiting.length > 0 ? 0 : Math.max(0, socket!.write(bytes));
    if (taken === bytes.length) return;
    waiting.push(bytes.slice(taken));
    waitingBytes += bytes.length - taken;
    if (waitingBytes > MOST_WAITING) finish(new Error('the network takes no bytes'));
  }

  /** Passes bytes through the session piece by piece, and what comes of each to its receiver. */
  function through(way: 'seal' | 'open', bytes: Uint8Array, receiver: (made: Uint8Array) => void): void {
    try {
      for (const made of transformed(session!, way, bytes)) if (!isOver) receiver(made);
    } catch (error) {
      finish(errorOf(error));
    }
  }

  const line: Line = {
    connected() {
      if (isConnected || isOver) return;
      isConnected = true;
      if (endpoint) upstream.report(endpoint, true);
      events.open();
    },
    data(bytes) {
      if (isOver) return;
      if (session === undefined) events.data(bytes);
      else through('open', bytes, (made) => events.data(made));
    },
    ended() {
      try {
        session?.openEnd();
        finish(undefined);
      } catch (error) {
        finish(errorOf(error));
      }
    },
    drained() {
      const unsent = waiting;
      waiting = [];
      waitingBytes = 0;
      for (const bytes of unsent) if (!isOver) send(bytes);
    },
    closed(which, error) {
      if (isOver || which !== socket) return;
      if (isConnected) return finish(error);
      socket = undefined;
      if (endpoint) upstream.report(endpoint, false);
      connectNext(error ?? new Error('the connection was closed'));
    },
  };

  // Not before the caller has the stream in its hands.
  queueMicrotask(() => {
    if (!isOver) connectNext(new Error(`${upstream.label} has no address`));
  });

  return {
    write(bytes) {
      if (isOver) return;
      if (session === undefined) send(bytes);
      else through('seal', bytes, send);
    },
    close() {
      if (isOver) return;
      if (!isConnected && endpoint) upstream.report(endpoint, false);
      release();
    },
  };
}

/** What a session makes of bytes, in pieces that are good until the next one is asked for. */
function transformed(session: Session, way: 'seal' | 'open', bytes: Uint8Array): Uint8Array[] {
  return lend(bytes, (span) => {
    const made: Uint8Array[] = [];
    for (let from = 0; from < bytes.length; from += PIECE) {
      outbox.end = 0;
      session[way](span, from, Math.min(from + PIECE, bytes.length), outbox);
      if (outbox.end > 0) made.push(outbox.bytes.slice(0, outbox.end));
    }
    return made;
  });
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
