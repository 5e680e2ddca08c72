/**
 * The way of a connection, from top to bottom:
 *
 *   accept ─▶ original destination ─▶ decide ─▶ dial ─▶ relay ─▶ stats
 *
 * No other file knows the whole way.
 */
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { originalDestination, isOwnListener } from '../inbound/original_destination.ts';
import type { Endpoint } from '../net/address.ts';
import { descriptor } from '../net/socket.ts';
import { remoteHandlers } from '../relay/handlers.ts';
import { Relay, type RelayEvents, type RelaySocket } from '../relay/relay.ts';
import { dialStatus, type FlowStatus } from '../net/flow_status.ts';
import { Sweep, type RelayTimeouts } from '../relay/sweep.ts';
import type { Decision } from '../route/decide.ts';
import { withoutNat64 } from '../route/nat64.ts';
import type { FlowStats } from '../stats/flow_stats.ts';
import { dial } from '../upstream/dial.ts';
import { direct } from '../upstream/direct.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FlowLog } from './flow_log.ts';
import type { Policy } from './policy.ts';
import { createSilence } from './silence.ts';

/** What one flow keeps beside its relay. */
export interface Way {
  readonly destination: Endpoint;
  readonly decision: Decision;
  readonly upstream: Upstream;
  /** Endpoints of the upstream that have not been tried yet. */
  untried: readonly Endpoint[];
  /** The one being tried, or in use. */
  endpoint: Endpoint | undefined;
  /** Milliseconds, monotonic. */
  readonly began: number;
}

/** Ends for want of a byte. A client that goes soon (a closed tab, a scan) has not waited for an answer. */
const WAITED: ReadonlySet<FlowStatus> = new Set(['ERR_IDLE', 'ERR_HALF_CLOSED']);

export interface FlowOptions {
  readonly port: number;
  /** The most flows at once: two descriptors each must stay below the limit, or accepting would spin. */
  readonly limit: number;
  readonly stats: FlowStats;
  readonly log: Log;
  readonly flowLog: FlowLog;
}

export interface Flows {
  /** For the listeners' `open`. */
  accept(client: RelaySocket, family: 4 | 6): void;
  /** New flows go by this from now on; those under way end as they began. */
  use(policy: Policy): void;
  /** Resets every flow, and whatever still comes. */
  stop(): void;
}

export function createFlows(initial: Policy, { port, limit, stats, log, flowLog }: FlowOptions): Flows {
  let policy = initial;
  let silence = createSilence();
  let stopped = false;
  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, policy.timeouts);

  const events: RelayEvents = {
    now: () => sweep.now,
    get firstData() {
      return policy.timeouts.firstData;
    },
    dialFailed(relay, status, cause) {
      const way = relay.context as Way;
      if (way.endpoint) way.upstream.report(way.endpoint, false);
      dialNext(relay, way, status, cause);
    },
    connected(relay) {
      const way = relay.context as Way;
      if (way.endpoint) way.upstream.report(way.endpoint, true);
    },
    unanswered(relay) {
      const way = relay.context as Way;
      const row = way.upstream === policy.upstream ? silence.unanswered() : undefined;
      if (row !== undefined) flowLog.silent(way, row);
    },
    settled(relay, status, cause) {
      relays.delete(relay);
      const way = relay.context as Way;
      const [up, down] = [relay.bytesUp, relay.down.bytes];
      stats.ended(status, up, down);
      flowLog.ended(way, status, up, down, cause);
      if (way.upstream !== policy.upstream) return;
      if (down > 0) silence.answered();
      else if (up > 0 && WAITED.has(status)) relay.noteUnanswered();
    },
  };

  function accept(client: RelaySocket, family: 4 | 6): void {
    if (stopped) return refuse(client, 'STOPPED');
    if (relays.size >= limit) return refuse(client, 'ERR_LIMIT');
    const destination = destinationOf(client, family);
    if (destination === undefined || isOwnListener(destination, port))
      return refuse(client, 'ERR_NOT_REDIRECTED');

    const decision = policy.decide(destination.address);
    const upstream = decision.where === 'direct' ? direct : policy.upstream;

    const untried = upstream.endpoints(destination);
    const way: Way = {
      destination,
      decision,
      upstream,
      untried,
      endpoint: undefined,
      began: performance.now(),
    };
    const session = upstream.session({ address: withoutNat64(destination.address), port: destination.port });
    const relay = new Relay(client, session, events, way);
    client.data = relay;
    relays.add(relay);
    sweep.wake();
    stats.opened();
    dialNext(relay, way, 'ERR_DIAL_NO_ADDRESS');
  }

  /** Tries the next endpoint; where none is left, the flow ends as the last attempt did. */
  function dialNext(relay: Relay, way: Way, lastStatus: FlowStatus, lastCause?: unknown): void {
    const [next, ...rest] = way.untried;
    if (next === undefined) return relay.settle(lastStatus, lastCause);
    if (way.endpoint !== undefined) flowLog.redial(way, lastStatus, lastCause);
    way.endpoint = next;
    way.untried = rest;
    try {
      dial(next, remoteHandlers, relay);
    } catch (error) {
      // The kernel said no at once, e.g. for want of a route: the next one may have one.
      way.upstream.report(next, false);
      dialNext(relay, way, dialStatus(error), error);
    }
  }

  /** undefined also for a client that has gone again already: its socket can't be asked any more. */
  function destinationOf(client: RelaySocket, family: 4 | 6): Endpoint | undefined {
    try {
      return originalDestination(descriptor(client), family);
    } catch (error) {
      log.debug('no original destination', { reason: explain(error) });
      return undefined;
    }
  }

  function refuse(client: RelaySocket, status: FlowStatus): void {
    client.terminate();
    stats.refused(status);
    flowLog.refused(status);
  }

  return {
    accept,
    use(next) {
      policy = next;
      silence = createSilence();
      sweep.timeouts = next.timeouts satisfies RelayTimeouts;
    },
    stop() {
      stopped = true;
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}
