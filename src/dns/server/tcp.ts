/**
 * DNS over TCP (RFC 7766): several queries on a connection, answered as their answers come (§6.2.1.1), and connections
 * that neither idle nor half-sent queries nor unread answers hold open.
 */
import type { Socket } from 'bun';
import { createUnframer, frame, type Unframer } from '../wire/framing.ts';
import type { Resolve } from './resolve.ts';

export interface TcpLimits {
  /** Seconds without a whole query, or with answers that the client doesn't read, after which a connection is closed. */
  readonly idle: number;
  /** Beyond this many the one that has been silent for longest makes room. */
  readonly connections: number;
}

export const TCP_LIMITS: TcpLimits = {
  // RFC 7766 §6.2.3: "in the order of seconds".
  idle: 10,
  // One descriptor each, beside those of the flows.
  connections: 256,
};

/** Queries of one connection that are being answered; more are not read until some are. */
const MOST_PENDING = 128;
/** Bytes of answers that one client may leave unread before its queries are not read any more. */
const MOST_UNREAD = 1 << 18;

export interface TcpServer {
  readonly port: number;
  close(): void;
}

interface Connection {
  readonly client: string;
  readonly unframer: Unframer;
  /** Answers not taken by the kernel yet, in frames, and how much of them there is. */
  unsent: Uint8Array[];
  unread: number;
  pending: number;
  /** Milliseconds, monotonic: when it is closed unless a whole query comes or all answers have gone before. */
  deadline: number;
  paused: boolean;
  /** The client has sent its FIN: it still wants its answers (§6.2.4). */
  ended: boolean;
}

/**
 * Answers on one address.
 * @param failed is told what a query or a socket threw; serving goes on
 * @throws what Bun.listen throws if it can't bind, with `code`
 */
export function serveTcp(
  hostname: string,
  port: number,
  resolve: Resolve,
  failed: (error: unknown) => void,
  limits: TcpLimits = TCP_LIMITS,
): TcpServer {
  const open = new Set<Socket<Connection>>();

  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const socket of open) if (isOverdue(socket.data, now)) socket.terminate();
    },
    Math.min(1_000, limits.idle * 250),
  );
  sweep.unref();

  function extend(connection: Connection): void {
    connection.deadline = performance.now() + limits.idle * 1_000;
  }

  /** Takes queries as long as their answers find room; what is left waits in the kernel, and makes the client wait. */
  function read(socket: Socket<Connection>): void {
    const connection = socket.data;
    while (open.has(socket) && !isFull(connection)) {
      const message = connection.unframer.next();
      if (message === undefined) break;
      if (message.length === 0) return socket.terminate();
      query(socket, message);
    }
    settle(socket);
  }

  function query(socket: Socket<Connection>, message: Uint8Array): void {
    const connection = socket.data;
    extend(connection);
    try {
      const answer = resolve(message, connection.client, 'tcp');
      // What is no query at all may be anything: better no stream than one out of step.
      if (answer === undefined) socket.end();
      else if (answer instanceof Uint8Array) send(socket, answer);
      else sendLater(socket, answer).catch(failed);
    } catch (error) {
      failed(error);
      socket.terminate();
    }
  }

  async function sendLater(socket: Socket<Connection>, answer: Promise<Uint8Array>): Promise<void> {
    socket.data.pending++;
    try {
      const bytes = await answer;
      if (open.has(socket)) send(socket, bytes);
    } finally {
      socket.data.pending--;
      read(socket);
    }
  }

  function send(socket: Socket<Connection>, answer: Uint8Array): void {
    const connection = socket.data;
    extend(connection);
    const whole = frame(answer);
    connection.unsent.push(whole);
    connection.unread += whole.length;
    if (connection.unsent.length === 1) flush(socket);
  }

  function flush(socket: Socket<Connection>): void {
    const connection = socket.data;
    while (connection.unsent.length > 0) {
      const next = connection.unsent[0]!;
      const written = Math.max(0, socket.write(next));
      connection.unread -= written;
      if (written < next.length) {
        connection.unsent[0] = next.subarray(written);
        return;
      }
      connection.unsent.shift();
    }
    extend(connection);
  }

  /** Reads on or not, as the client's own pace allows; ends what has nothing more to come. */
  function settle(socket: Socket<Connection>): void {
    if (!open.has(socket)) return;
    const connection = socket.data;
    const full = isFull(connection);
    if (full !== connection.paused) {
      connection.paused = full;
      if (full) socket.pause();
      else socket.resume();
    }
    if (connection.ended && connection.pending === 0 && connection.unread === 0) socket.end();
  }

  const listener = Bun.listen<Connection>({
    hostname,
    port,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.data = {
          client: socket.remoteAddress,
          unframer: createUnframer(),
          unsent: [],
          unread: 0,
          pending: 0,
          deadline: 0,
          paused: false,
          ended: false,
        };
        extend(socket.data);
        if (open.size >= limits.connections) longestSilent(open)?.terminate();
        open.add(socket);
      },
      data(socket, bytes) {
        socket.data.unframer.push(bytes);
        read(socket);
      },
      drain(socket) {
        flush(socket);
        read(socket);
      },
      end(socket) {
        socket.data.ended = true;
        read(socket);
      },
      close: (socket) => void open.delete(socket),
      error(socket, error) {
        failed(error);
        socket.terminate();
      },
    },
  });
  return {
    port: listener.port,
    close() {
      clearInterval(sweep);
      listener.stop();
      for (const socket of open) socket.terminate();
    },
  };
}

function isFull({ pending, unread }: Connection): boolean {
  return pending >= MOST_PENDING || unread >= MOST_UNREAD;
}

/** Queries under way end in their own time; silence, unread answers and a query that never becomes whole don't. */
function isOverdue({ pending, deadline }: Connection, now: number): boolean {
  return now > deadline && pending === 0;
}

function longestSilent(sockets: Iterable<Socket<Connection>>): Socket<Connection> | undefined {
  let silent: Socket<Connection> | undefined;
  for (const socket of sockets) {
    if (silent === undefined || socket.data.deadline < silent.data.deadline) silent = socket;
  }
  return silent;
}
