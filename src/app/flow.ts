/**
 * The way of a connection, from top to bottom:
 *
 *   accept ─▶ original destination ─▶ decide ─▶ dial ─▶ relay ─▶ stats
 *
 * No other file knows the whole way.
 */
import type { Log } from '../base/log.ts';
import { descriptor } from '../inbound/listener.ts';
import { originalDestination, isOwnListener } from '../inbound/original_destination.ts';
import type { Endpoint } from '../net/address.ts';
import { remoteHandlers } from '../relay/handlers.ts';
import { Relay, type RelayEvents, type RelaySocket } from '../relay/relay.ts';
import type { FlowStatus } from '../relay/status.ts';
import { Sweep, type RelayTimeouts } from '../relay/sweep.ts';
import type { Decision } from '../route/decide.ts';
import { withoutNat64 } from '../route/nat64.ts';
import type { FlowStats } from '../stats/flow_stats.ts';
import { dial } from '../upstream/dial.ts';
import { direct } from '../upstream/direct.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { FlowLog } from './flow_log.ts';
import type { Policy } from './policy.ts';

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
  /** Resets every flow. */
  stop(): void;
}

export function createFlows(initial: Policy, { port, limit, stats, log, flowLog }: FlowOptions): Flows {
  let policy = initial;
  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, policy.timeouts);

  const events: RelayEvents = {
    now: () => sweep.now,
    get firstData() {
      return policy.timeouts.firstData;
    },
    redial(relay, status, cause) {
      const way = relay.context as Way;
      if (way.endpoint) way.upstream.report(way.endpoint, false);
      return tryNext(relay, way, status, cause);
    },
    connected(relay) {
      const way = relay.context as Way;
      if (way.endpoint) way.upstream.report(way.endpoint, true);
    },
    settled(relay, status, cause) {
      relays.delete(relay);
      const way = relay.context as Way;
      stats.ended(status, relay.up.bytes, relay.down.bytes);
      flowLog.ended(way, status, relay.up.bytes, relay.down.bytes, cause);
    },
  };

  function accept(client: RelaySocket, family: 4 | 6): void {
    if (relays.size >= limit) return refuse(client, 'ERR_LIMIT');
    const destination = originalDestination(descriptor(client), family);
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
    if (!tryNext(relay, way, 'ERR_DIAL_NO_ADDRESS')) relay.settle('ERR_DIAL_NO_ADDRESS');
  }

  /** @returns false if no endpoint is left */
  function tryNext(relay: Relay, way: Way, lastStatus: FlowStatus, cause?: unknown): boolean {
    for (;;) {
      const [next, ...rest] = way.untried;
      if (next === undefined) return false;
      if (way.endpoint !== undefined && log.debugging) flowLog.redial(way, lastStatus, cause);
      way.endpoint = next;
      way.untried = rest;
      try {
        dial(next, remoteHandlers, relay);
        return true;
      } catch (error) {
        // The kernel said no at once, e.g. for want of a route: the next one may have one.
        cause = error;
        way.upstream.report(next, false);
      }
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
      sweep.timeouts = next.timeouts satisfies RelayTimeouts;
    },
    stop() {
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}
