/** A relay between real sockets on loopback: client ─▶ relay ─▶ target. */
import type { Socket, SocketHandler, TLSOptions } from 'bun';
import { parseAddress, type Endpoint } from '../../src/net/address.ts';
import type { Session } from '../../src/net/session.ts';
import { clientHandlers } from '../../src/relay/handlers.ts';
import { Relay, type RelayEvents } from '../../src/relay/relay.ts';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { Sweep, type RelayTimeouts } from '../../src/relay/sweep.ts';
import { direct } from '../../src/upstream/direct.ts';
import { Reach } from '../../src/upstream/reach.ts';
import type { TlsClient } from '../../src/upstream/tls_client.ts';

export const loopback = (port: number): Endpoint => ({ address: parseAddress('127.0.0.1')!, port });

export interface Options {
  readonly session?: () => Session;
  readonly tls?: TlsClient;
  readonly timeouts?: Partial<RelayTimeouts>;
  readonly firstData?: number;
  /** Of another upstream, the second. */
  readonly next?: Endpoint;
  /** See Upstream.isLost, of the first. */
  readonly isLost?: (began: number) => boolean;
}

/** Relays every connection to its port to `endpoints`, tried in order. */
export function relayTo(endpoints: readonly Endpoint[], options: Options = {}) {
  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, { dial: 5_000, idle: 60_000, halfClosed: 60_000, ...options.timeouts });
  const settled: FlowStatus[] = [];
  const waiting: (() => void)[] = [];
  const events: RelayEvents = {
    now: () => sweep.now,
    firstData: options.firstData ?? 20,
    unanswered() {},
    answered() {},
    settled(relay, status) {
      relays.delete(relay);
      settled.push(status);
      for (const wake of waiting.splice(0)) wake();
    },
  };
  const listener = Bun.listen<Relay | undefined>({
    hostname: '127.0.0.1',
    port: 0,
    allowHalfOpen: true,
    socket: clientHandlers((client) => {
      const relay = new Relay(client, events, undefined);
      client.data = relay;
      relays.add(relay);
      sweep.wake();
      const tunnel = () => ({ session: options.session?.() });
      const ways = [endpoints, ...(options.next ? [[options.next]] : [])];
      const candidates = ways.map((way, i) => ({
        ...direct,
        tls: options.tls,
        endpoints: () => way,
        tunnel,
        ...(i === 0 && options.isLost ? { isLost: options.isLost } : {}),
      }));
      const target = endpoints[0]!;
      const reach = new Reach({ candidates, destination: target, target, named: undefined }, relay, {
        opened: (_, socket, session, rest) => relay.opened(socket, session, rest),
        retrying: () => {},
        lost: (_, status, cause) => relay.settle(status, cause),
      });
      relay.approach = reach;
      reach.start();
    }),
  });
  return {
    port: listener.port,
    relays,
    /** The status of the n-th relay that ended, from 0. */
    async ended(n = 0): Promise<FlowStatus> {
      while (settled.length <= n) await new Promise<void>((resolve) => waiting.push(resolve));
      return settled[n]!;
    },
    [Symbol.dispose]() {
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
      listener.stop(true);
    },
  };
}

/** A server on a free port of 127.0.0.1; half-open connections are allowed. */
export function serve(socket: SocketHandler<undefined>) {
  const listener = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    allowHalfOpen: true,
    socket: { data() {}, ...socket },
  });
  return {
    endpoint: loopback(listener.port),
    [Symbol.dispose]: () => listener.stop(true),
  };
}

/** One that says what it hears, with `echo ` before each piece. @param came is told of each connection */
export function serveEcho(came: () => void = () => {}) {
  return serve({
    open: came,
    data: (socket, chunk) => void socket.write(`echo ${chunk.toString()}`),
    end: (socket) => socket.shutdown(),
  });
}

/** One that answers when the other side has ended: `you said `, and all of it. */
export function serveAfterEnd() {
  const heard: string[] = [];
  return serve({
    data: (_, chunk) => void heard.push(chunk.toString()),
    end(socket) {
      socket.write(`you said ${heard.join('')}`);
      socket.shutdown();
    },
  });
}

/** A client that keeps all it is told. */
export class Client {
  readonly received: Uint8Array[] = [];
  readonly socket: Promise<Socket>;
  /** Resolves when the other side has ended: 'FIN', or the error's code. */
  readonly end: Promise<string>;

  /** @param tls written to before it is agreed on, it takes nothing: see {@link writeAll} */
  constructor(port: number, onData?: (socket: Socket) => void, tls?: TLSOptions) {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.end = promise;
    this.socket = Bun.connect({
      hostname: '127.0.0.1',
      port,
      allowHalfOpen: true,
      ...(tls && { tls }),
      socket: {
        handshake: () => {},
        data: (socket, chunk) => {
          this.received.push(chunk);
          onData?.(socket);
        },
        end: () => resolve('FIN'),
        close: (_, error) => resolve((error as { code?: string } | undefined)?.code ?? 'FIN'),
      },
    });
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }
}

/** Writes all of it, however slow the other side is. */
export async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const taken = socket.write(bytes, at, bytes.length - at);
    if (taken < 0) throw new Error('the socket is closed');
    at += taken;
    if (at < bytes.length) await Bun.sleep(1);
  }
}
