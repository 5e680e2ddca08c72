/** Streams for rooms that know no upstream: a socket, and the upstream's session between it and the stream's bytes. */
import { lend } from '../../ffi/memory.ts';
import type { Address } from '../net/address.ts';
import type { ByteStream, ByteStreamEvents, OpenStream } from '../net/byte_stream.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import { Outbox, PIECE, type Session } from '../net/session.ts';
import type { RemoteEnd, RemoteSocket } from '../net/socket.ts';
import type { Target } from '../net/target.ts';
import { Reach, type Aim, type ReachEvents } from '../upstream/reach.ts';
import type { Upstreams } from '../upstream/upstream.ts';

/** Bytes that may wait for a network that takes none: more than all queries that a resolver is asked at once. */
const MOST_WAITING = 1 << 20;

/** Milliseconds for one attempt; whoever opened the stream gives up sooner or later by itself. */
const LONGEST_ATTEMPT = 10_000;
/** How often, in milliseconds, it is looked whether an attempt has had its time, and whether its upstream is still up. */
const TICK = 250;

/** Everything between a call and its return uses it, so one serves all streams. */
const outbox = new Outbox();

/** Opens streams by way of upstreams, each tried until it fails; with `direct` these are plain sockets. */
export function streamsBy(upstreams: Upstreams): OpenStream {
  return (destination, events) => streamTo(upstreams, destination, events);
}

/** Opens a stream by way of upstreams, each tried until it fails. A name is resolved by the upstream. */
export function streamTo(upstreams: Upstreams, target: Target, events: ByteStreamEvents): ByteStream {
  const named = 'name' in target ? target : undefined;
  const destination = 'name' in target ? { address: UNSPECIFIED, port: target.port } : target;
  const candidates = upstreams.candidates(destination);
  return new UpstreamStream(upstreams.label, { candidates, destination, target, named }, events);
}

/** Of a name: nothing is known of its address. */
const UNSPECIFIED: Address = { family: 4, bytes: new Uint8Array(4) };

const reached: ReachEvents<UpstreamStream> = {
  opened: (stream, socket, session, rest) => stream.opened(socket, session, rest),
  retrying: () => {},
  lost: (stream, status, cause) => stream.lost(status, cause),
};

class UpstreamStream implements ByteStream, RemoteEnd {
  readonly #label: string;
  readonly #events: ByteStreamEvents;
  readonly #reach: Reach<UpstreamStream>;
  #timer: Timer | undefined;
  #socket: RemoteSocket | undefined;
  #session: Session | undefined;
  #isOver = false;
  #isAnswered = false;
  /** What the kernel hasn't taken yet. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(label: string, aim: Aim, events: ByteStreamEvents) {
    this.#label = label;
    this.#events = events;
    this.#reach = new Reach(aim, this, reached);
    // Not before the caller has the stream in its hands.
    queueMicrotask(() => {
      if (this.#isOver) return;
      this.#timer = setInterval(() => this.#tick(), TICK);
      this.#reach.start();
    });
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#session === undefined) return this.#send(bytes);
    this.#through('seal', bytes, (made) => this.#send(made));
    if (this.#session?.isPlain === true) {
      this.#session.dispose();
      this.#session = undefined;
    }
  }

  close(): void {
    if (this.#isOver) return;
    const { upstream, endpoint, began, isConnecting, hop } = this.#reach;
    // Whoever closes it has waited as long as it was worth.
    if (isConnecting && endpoint)
      upstream?.report({ kind: 'failed', began, endpoint, status: 'ERR_DIAL_TIMEOUT', isLast: true, hop });
    this.#release();
  }

  opened(socket: RemoteSocket, session: Session | undefined, rest: Uint8Array): void {
    this.#timer?.unref();
    this.#socket = socket;
    this.#session = session;
    this.#events.open();
    if (rest.length > 0 && !this.#isOver) this.#events.data(rest.slice());
  }

  lost(status: FlowStatus, cause: unknown): void {
    this.#finish(cause === undefined ? new Error(`${this.#label}: ${status}`) : errorOf(cause));
  }

  remoteDialled(): void {}

  remoteSecured(): void {}

  remoteData(_: RemoteSocket, bytes: Uint8Array): void {
    if (this.#isOver) return;
    const { upstream, began } = this.#reach;
    if (!this.#isAnswered) upstream?.report({ kind: 'answered', began });
    this.#isAnswered = true;
    if (this.#session === undefined) this.#events.data(bytes);
    else this.#through('open', bytes, (made) => this.#events.data(made));
  }

  remoteEnd(): void {
    try {
      this.#session?.openEnd();
      this.#finish(undefined);
    } catch (error) {
      this.#finish(errorOf(error));
    }
  }

  remoteDrain(): void {
    const unsent = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const bytes of unsent) if (!this.#isOver) this.#send(bytes);
  }

  remoteClose(_: RemoteSocket, error?: Error): void {
    this.#finish(error);
  }

  remoteFault(_: RemoteSocket, error: Error): void {
    this.#finish(error);
  }

  #tick(): void {
    const { upstream, began } = this.#reach;
    if (this.#socket === undefined) this.#reach.expire(performance.now(), LONGEST_ATTEMPT);
    // Nobody else would tell: packets to where nothing answers any more are sent for minutes.
    else if (began < (upstream?.downSince ?? -Infinity))
      this.#finish(new Error(`${upstream!.label} is down`));
  }

  #finish(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#release();
    this.#events.close(error);
  }

  #release(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#waiting = [];
    this.#reach.abandon();
    this.#socket?.terminate();
    this.#session?.dispose();
    this.#session = undefined;
  }

  #send(bytes: Uint8Array): void {
    const taken = this.#waiting.length > 0 ? 0 : Math.max(0, this.#socket!.write(bytes));
    if (taken === bytes.length) return;
    this.#waiting.push(bytes.slice(taken));
    this.#waitingBytes += bytes.length - taken;
    if (this.#waitingBytes > MOST_WAITING) this.#finish(new Error('the network takes no bytes'));
  }

  /** Passes bytes through the session piece by piece, and what comes of each to its receiver. */
  #through(way: 'seal' | 'open', bytes: Uint8Array, receiver: (made: Uint8Array) => void): void {
    try {
      for (const made of transformed(this.#session!, way, bytes)) if (!this.#isOver) receiver(made);
    } catch (error) {
      this.#finish(errorOf(error));
    }
  }
}

/** What a session makes of bytes, in pieces that are the caller's. */
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
