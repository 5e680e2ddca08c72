/**
 * From a flow's candidates to one open tunnel: each upstream in turn, each of its addresses, TCP, TLS, the protocol's
 * handshake. Nothing of the client's is sent before one is open, so a failure costs the client no more than time.
 */
import { lend, type Span } from '../../ffi/memory.ts';
import { formatAddress, type Endpoint } from '../net/address.ts';
import { dialStatus, isUpstreamsFault, type FlowStatus } from '../net/flow_status.ts';
import type { HasAddress } from '../net/local_addresses.ts';
import { causeAt, hopOf } from '../net/hop.ts';
import { Outbox, PIECE, SessionError, type Handshake, type Session } from '../net/session.ts';
import type { RemoteEnd, RemoteSocket } from '../net/socket.ts';
import type { Target } from '../net/target.ts';
import { TlsError } from '../net/tls_failure.ts';
import { dial } from './dial.ts';
import type { Dialling, Outcome, Upstream } from './upstream.ts';

/** Told of what becomes of it; each is called with the owner, so that no closure is made per connection. */
export interface ReachEvents<Owner extends RemoteEnd> {
  /**
   * The tunnel is open. From here on the socket's events go to the owner, which also has to dispose of the session.
   * @param rest bytes for the client that came with the far end's last answer; good until this returns
   */
  opened(owner: Owner, socket: RemoteSocket, session: Session | undefined, rest: Uint8Array): void;
  /** An attempt came to nothing, the next one begins. */
  retrying(owner: Owner, status: FlowStatus, cause?: unknown): void;
  /** So did the last one. */
  lost(owner: Owner, status: FlowStatus, cause?: unknown): void;
}

/** Where to, and by which ways. */
export interface Aim {
  /** The best first. */
  readonly candidates: readonly Upstream[];
  readonly destination: Endpoint;
  /** What upstreams are told: the destination, as they know it. */
  readonly target: Target;
  /** The same for those that take names; undefined: no name is known. */
  readonly named: Target | undefined;
}

/** With TLS, being connected includes it: the runtime tells of both together. */
type Phase = 'connecting' | 'asking' | 'over';

/** Connecting that takes longer, in milliseconds, is a failure for all but who has nobody else to wait for. */
const OVERDUE = 2_000;

/** Everything here runs to its end within one callback, so one of each serves all connections. */
const answer = new Outbox();
const rest = new Outbox();

const NOTHING = new Uint8Array(0);

export class Reach<Owner extends RemoteEnd> implements RemoteEnd {
  readonly #aim: Aim;
  readonly #owner: Owner;
  readonly #events: ReachEvents<Owner>;
  /** The one being tried, or in use. */
  upstream: Upstream | undefined;
  endpoint: Endpoint | undefined;
  #upstreamAt = 0;
  #endpoints: readonly Endpoint[] = [];
  #endpointAt = 0;
  #phase: Phase = 'connecting';
  /** Milliseconds of `performance.now`: when the attempt under way, or in use, was begun. */
  began = 0;
  #connectedAt = 0;
  /** That the attempt failed has been reported; it may still come about. */
  #isOverdue = false;
  #socket: RemoteSocket | undefined;
  #handshake: Handshake | undefined;
  #session: Session | undefined;
  /** Where connecting is not by a socket. */
  #dialling: Dialling | undefined;

  constructor(aim: Aim, owner: Owner, events: ReachEvents<Owner>) {
    this.#aim = aim;
    this.#owner = owner;
    this.#events = events;
  }

  /** No answer of the endpoint's own has come yet. */
  get isConnecting(): boolean {
    return this.#phase === 'connecting' && this.#socket !== undefined;
  }

  /** The label of the server of a chain whose answer is waited for; undefined: there is no chain. */
  get hop(): string | undefined {
    if (this.#phase === 'asking') return this.#handshake?.hop ?? this.upstream?.hop;
    return this.#dialling?.hop ?? this.upstream?.hop;
  }

  get #hasOthers(): boolean {
    return this.#upstreamAt < this.#aim.candidates.length;
  }

  /** The upstream has gone down since, and there is another: to go on with that is better than to wait. */
  get isFutile(): boolean {
    const since = this.upstream?.downSince;
    return this.#hasOthers && since !== undefined && this.began < since;
  }

  /** Begins. It may have failed, and said so, when this returns. */
  start(): void {
    const none: FlowStatus = this.#aim.candidates.length === 0 ? 'ERR_UPSTREAMS_DOWN' : 'ERR_DIAL_NO_ADDRESS';
    this.#next(none, undefined);
  }

  /**
   * To be called now and then: gives up what takes too long.
   * @param now milliseconds of `performance.now`
   * @param longest for one attempt, in milliseconds; while there is another upstream to try, and where it is known to be
   *   down, connecting may take only as long as the upstream's own patience
   */
  expire(now: number, longest: number): void {
    if (this.#phase === 'over') return;
    const { isFutile } = this;
    const { patience, downSince } = this.upstream!;
    const lasted = now - this.began;
    const isConnecting = this.#phase === 'connecting';
    const hurry = isConnecting && (this.#hasOthers || downSince !== undefined);
    if (!isFutile && lasted < (hurry ? Math.min(longest, patience) : longest)) {
      if (isConnecting && lasted >= OVERDUE && !this.#isOverdue)
        this.#reportFailure('ERR_DIAL_TIMEOUT', this.hop);
      this.#isOverdue ||= lasted >= OVERDUE;
      return;
    }
    // Its other addresses are those of the same machine.
    if (isFutile) this.#endpointAt = this.#endpoints.length;
    this.#fail(this.#phase === 'asking' ? 'ERR_PROXY_TIMEOUT' : 'ERR_DIAL_TIMEOUT');
  }

  /**
   * What was opened has failed, before anything was sent through it: goes on with the next upstream.
   * @returns false: there is none
   */
  again(status: FlowStatus, cause: unknown): boolean {
    if (!this.#hasOthers) return false;
    // Some have no other way to say that they can't reach the target.
    this.#reportSilence(hopOf(cause));
    this.#endpointAt = this.#endpoints.length;
    this.#next(status, cause);
    return true;
  }

  /** Begins the attempt under way anew, if it goes out by an address that the machine has no more: no answer will come. */
  leaveGone(hasAddress: HasAddress): void {
    const local = this.#socket?.localAddress;
    if (this.#phase === 'over' || local === undefined || hasAddress(local)) return;
    this.#release();
    this.#endpointAt--;
    this.#next('ERR_NETWORK_CHANGED', undefined);
  }

  /** Nobody wants it any more. No event comes after this. */
  abandon(): void {
    this.#phase = 'over';
    this.#release();
  }

  remoteDialled(socket: RemoteSocket): void {
    this.#socket = socket;
  }

  remoteSecured(socket: RemoteSocket, completed: boolean, error: Error | null): void {
    if (!this.#isCurrent(socket)) return;
    const refusal = this.upstream!.tls!.judge(socket, completed, error);
    if (refusal) this.#fail(refusal.status, refusal);
    else this.#connected(socket);
  }

  remoteDrain(socket: RemoteSocket): void {
    if (!this.#isCurrent(socket) || this.#phase !== 'connecting') return;
    if (this.upstream!.tls === undefined) this.#connected(socket);
  }

  remoteData(socket: RemoteSocket, chunk: Uint8Array): void {
    if (!this.#isCurrent(socket)) return;
    this.remoteDrain(socket);
    if (this.#isCurrent(socket)) this.#receive(socket, chunk);
    // It was opened just now, and the far end speaks first.
    else if (socket.data === this.#owner) this.#owner.remoteData(socket, chunk);
  }

  remoteEnd(socket: RemoteSocket): void {
    if (!this.#isCurrent(socket)) return;
    try {
      if (this.#handshake) this.#handshake.end();
      this.#fail(this.upstream!.tls ? 'ERR_TLS' : 'ERR_DIAL');
    } catch (error) {
      this.#failWith(error);
    }
  }

  remoteClose(socket: RemoteSocket, error?: Error): void {
    if (!this.#isCurrent(socket)) return;
    this.#socket = undefined;
    if (error instanceof TlsError) this.#fail(error.status, error);
    else if (this.#phase === 'asking') this.#fail('ERR_PROXY_CLOSED', error);
    else this.#fail(this.upstream!.tls && error === undefined ? 'ERR_TLS' : dialStatus(error), error);
  }

  remoteFault(socket: RemoteSocket, error: Error): void {
    if (this.#isCurrent(socket)) this.#fail('ERR_INTERNAL', error);
  }

  /** Events of an attempt that was given up may still be on their way. */
  #isCurrent(socket: RemoteSocket): boolean {
    return this.#phase !== 'over' && socket === this.#socket;
  }

  /** The next address, or the next upstream; where none is left, it ends as the last attempt did. */
  #next(lastStatus: FlowStatus, lastCause: unknown): void {
    let status = lastStatus;
    let cause = lastCause;
    for (;;) {
      const endpoint = this.#endpoints[this.#endpointAt++];
      if (endpoint === undefined) {
        const upstream = this.#aim.candidates[this.#upstreamAt];
        if (upstream === undefined) break;
        this.#upstreamAt++;
        this.upstream = upstream;
        this.#endpoints = upstream.endpoints(this.#aim.destination);
        this.#endpointAt = 0;
        if (this.#endpoints.length > 0) continue;
        this.began = performance.now();
        this.#report({ kind: 'failed', endpoint: undefined, status: 'ERR_DIAL_NO_ADDRESS', isLast: true });
        continue;
      }
      if (this.endpoint !== undefined) this.#events.retrying(this.#owner, status, cause);
      this.endpoint = endpoint;
      this.#phase = 'connecting';
      this.#isOverdue = false;
      this.#dialling = undefined;
      this.began = performance.now();
      try {
        const upstream = this.upstream!;
        if (upstream.dial === undefined) return dial(endpoint, upstream.tls, this);
        const dialling = upstream.dial(endpoint, this);
        // It may have failed at once, and another be under way.
        if (this.endpoint === endpoint && this.upstream === upstream) this.#dialling = dialling;
        return;
      } catch (error) {
        // The kernel said no at once, e.g. for want of a route: the next one may have one.
        status = dialStatus(error);
        cause = causeAt(this.hop, status, error);
        this.#reportFailure(status, hopOf(cause));
      }
    }
    this.#phase = 'over';
    this.#events.lost(this.#owner, status, causeAt(this.upstream?.hop, status, cause));
  }

  #connected(socket: RemoteSocket): void {
    const { target, named } = this.#aim;
    const upstream = this.upstream!;
    this.#phase = 'asking';
    this.#connectedAt = performance.now();
    this.#isOverdue = false;
    try {
      const tunnel = upstream.tunnel(upstream.takesNames && named ? named : target);
      this.#session = tunnel.session;
      this.#handshake = tunnel.handshake;
      if (tunnel.handshake === undefined) return this.#opened(socket, NOTHING);
      answer.end = 0;
      tunnel.handshake.begin(answer);
      this.#say(socket);
    } catch (error) {
      this.#failWith(error);
    }
  }

  #receive(socket: RemoteSocket, chunk: Uint8Array): void {
    // Before TLS is agreed on nothing can come, and without a handshake there is no waiting.
    if (this.#handshake === undefined) return this.#fail('ERR_PROTOCOL');
    let taken: number;
    try {
      taken = lend(chunk, (wire) => this.#read(socket, wire, chunk.length));
    } catch (error) {
      return this.#failWith(error);
    }
    if (taken < chunk.length && socket.data === this.#owner)
      this.#owner.remoteData(socket, chunk.subarray(taken));
  }

  /** @returns how many bytes the handshake has taken; what is behind them is for the owner */
  #read(socket: RemoteSocket, wire: Span, length: number): number {
    for (let from = 0; from < length && this.#isCurrent(socket); from += PIECE) {
      const to = Math.min(from + PIECE, length);
      answer.end = 0;
      rest.end = 0;
      const isOver = this.#handshake!.receive(wire, from, to, answer, rest);
      this.#say(socket);
      if (isOver) {
        this.#opened(socket, rest.bytes.subarray(0, rest.end));
        return to;
      }
    }
    return length;
  }

  /** What a handshake says fits into any socket's buffer, unless the far end reads nothing at all. */
  #say(socket: RemoteSocket): void {
    if (answer.end > 0 && socket.write(answer.bytes, 0, answer.end) < answer.end)
      throw new SessionError('ERR_PROXY_CLOSED', 'the upstream takes no request');
  }

  #opened(socket: RemoteSocket, first: Uint8Array): void {
    const session = this.#session;
    this.#phase = 'over';
    this.#socket = undefined;
    this.#handshake = undefined;
    this.#session = undefined;
    this.#dialling = undefined;
    const milliseconds = performance.now() - this.began;
    const connecting = this.#connectedAt - this.began;
    this.#report({ kind: 'opened', endpoint: this.endpoint!, milliseconds, connecting });
    socket.data = this.#owner;
    this.#events.opened(this.#owner, socket, session, first);
  }

  /** @param hop of a chain: where it failed */
  #reportFailure(status: FlowStatus, hop: string | undefined): void {
    const isLast = this.#endpointAt >= this.#endpoints.length;
    this.#report({ kind: 'failed', endpoint: this.endpoint, status, isLast, hop });
  }

  #reportSilence(hop: string | undefined): void {
    this.#report({ kind: 'silent', target: formatAddress(this.#aim.destination.address), hop });
  }

  #report(outcome: Outcome): void {
    this.upstream!.report({ ...outcome, began: this.began });
  }

  #failWith(error: unknown): void {
    this.#fail(error instanceof SessionError ? error.status : 'ERR_INTERNAL', error);
  }

  #fail(status: FlowStatus, error?: unknown): void {
    const cause = causeAt(this.hop, status, error);
    this.#release();
    // What one of its addresses has answered, the others would answer as well.
    if (this.#phase === 'asking') this.#endpointAt = this.#endpoints.length;
    // Many a proxy waits longer than we do for a target that is not there.
    if (status === 'ERR_PROXY_TIMEOUT') this.#reportSilence(hopOf(cause));
    else if (isUpstreamsFault(status) && !this.#isOverdue) this.#reportFailure(status, hopOf(cause));
    // The target has spoken: it would say the same to the next.
    if (status === 'ERR_TARGET_REFUSED') this.#upstreamAt = this.#aim.candidates.length;
    this.#next(status, cause);
  }

  #release(): void {
    const socket = this.#socket;
    const session = this.#session;
    this.#socket = undefined;
    this.#session = undefined;
    this.#handshake = undefined;
    this.#dialling = undefined;
    socket?.terminate();
    session?.dispose();
  }
}
