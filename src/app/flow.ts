/**
 * The way of a connection, from top to bottom:
 *
 *   accept ─▶ original destination ─▶ decide ─▶ dial ─▶ relay ─▶ stats
 *
 * No other file knows the whole way.
 */
import { isOwnListener, type OriginalDestination } from '../inbound/original_destination.ts';
import type { Address, Endpoint } from '../net/address.ts';
import type { FlowStatus } from '../net/flow_status.ts';
import type { HasAddress } from '../net/local_addresses.ts';
import { isHostName } from '../net/target.ts';
import { Relay, type ClientSocket, type RelayEvents } from '../relay/relay.ts';
import { Sweep, type RelayTimeouts } from '../relay/sweep.ts';
import type { Decision } from '../route/decide.ts';
import { withoutNat64 } from '../route/nat64.ts';
import type { FlowStats } from '../stats/flow_stats.ts';
import { direct } from '../upstream/direct.ts';
import { Reach, type Aim, type ReachEvents } from '../upstream/reach.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { reportAnswer, reportSilence, UNHEARD } from './flow_answers.ts';
import { createDestinations, type Destination } from './flow_destination.ts';
import type { FlowLog } from './flow_log.ts';
import type { Policy } from './policy.ts';

/** What one flow keeps beside its relay. */
export interface Way {
  readonly destination: Endpoint;
  readonly decision: Decision;
  readonly generation: Generation;
  /** The upstream and endpoint being tried, or in use. */
  reach: Pick<Reach<Relay>, 'upstream' | 'endpoint' | 'began'> | undefined;
  /** Milliseconds, monotonic. */
  readonly began: number;
}

/** Flows that began under the same policy. */
interface Generation {
  flows: number;
  /** Once another policy is in force. */
  finished: (() => void) | undefined;
}

/** The most clients beyond the limit whose original destination is asked for: proofs may be among them. */
const PROOFS = 16;

const DIRECT: readonly Upstream[] = [direct];

export interface FlowOptions {
  readonly port: number;
  /** The most flows at once: two descriptors each must stay below the limit, or accepting would spin. */
  readonly limit: number;
  readonly originalDestination: OriginalDestination;
  /** A connection of our own, which only proves that the rules work: it is closed, and counts for nothing. */
  readonly isProof: (destination: Endpoint) => boolean;
  readonly stats: FlowStats;
  readonly flowLog: FlowLog;
  /** The one name that an address was given for; undefined if there is none, or more than one. */
  readonly nameOf: (address: Address) => string | undefined;
}

export interface Flows {
  /** For the listeners' `open`. */
  accept(client: ClientSocket, family: 4 | 6): void;
  /**
   * New flows go by this from now on; those under way end as they began.
   * @param finished is called when the last of these has ended
   */
  use(policy: Policy, finished: () => void): void;
  /**
   * Resets the flows whose way to their upstream begins at an address that the machine has no more.
   * @returns how many
   */
  leaveGone(hasAddress: HasAddress): number;
  /** Resets every flow, and whatever still comes. */
  stop(): void;
}

export function createFlows(
  initial: Policy,
  { port, limit, originalDestination, isProof, stats, flowLog, nameOf }: FlowOptions,
): Flows {
  let policy = initial;
  let generation: Generation = { flows: 0, finished: undefined };
  let stopped = false;
  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, policy.timeouts);

  const events: RelayEvents = {
    now: () => sweep.now,
    get firstData() {
      return policy.timeouts.firstData;
    },
    unanswered: reportSilence,
    answered: reportAnswer,
    settled(relay, status, cause) {
      relays.delete(relay);
      const way = relay.context as Way;
      const [up, down] = [relay.bytesUp, relay.down.bytes];
      stats.ended(status, up, down);
      flowLog.ended(way, status, up, down, cause);
      if (relay.waiting && UNHEARD.has(status)) relay.noteUnanswered();
      if (--way.generation.flows === 0) way.generation.finished?.();
    },
  };

  const reached: ReachEvents<Relay> = {
    opened: (relay, socket, session, rest) => relay.opened(socket, session, rest),
    retrying: (relay, status, cause) => flowLog.retrying(relay.context as Way, status, cause),
    lost: (relay, status, cause) => relay.settle(status, cause),
  };

  // A proof may be one more than there is room for, but nobody knows yet which one it is.
  const hasRoom = () => relays.size + destinations.asking < limit + PROOFS;
  const destinations = createDestinations(originalDestination, hasRoom, begin);

  function accept(client: ClientSocket, family: 4 | 6): void {
    if (stopped) refuse(client, 'STOPPED');
    else destinations.find(client, family);
  }

  function begin(client: ClientSocket, destination: Destination): void {
    if (stopped) return refuse(client, 'STOPPED');
    if (destination === 'gone') return refuse(client, 'CLIENT_RESET');
    if (destination === 'crowded') return refuse(client, 'ERR_LIMIT');
    if (destination instanceof Error) return refuse(client, 'ERR_ORIGINAL_DESTINATION', destination);
    if (destination === undefined || isOwnListener(destination, port))
      return refuse(client, 'ERR_NOT_REDIRECTED');
    // That the rules work is worth knowing even now.
    if (isProof(destination)) return client.terminate();
    if (relays.size + destinations.asking >= limit) return refuse(client, 'ERR_LIMIT');

    const decision = policy.decide(destination.address);
    const way: Way = { destination, decision, generation, reach: undefined, began: performance.now() };
    const relay = new Relay(client, events, way);
    client.data = relay;
    relays.add(relay);
    generation.flows++;
    sweep.wake();
    stats.opened();

    const reach = new Reach(aimOf(destination, decision), relay, reached);
    way.reach = reach;
    relay.approach = reach;
    reach.start();
  }

  function aimOf(destination: Endpoint, { where }: Decision): Aim {
    const address = withoutNat64(destination.address);
    const { port: to } = destination;
    const name = where === 'direct' ? undefined : nameOf(destination.address);
    return {
      candidates: where === 'direct' ? DIRECT : policy.upstreams.candidates(destination),
      destination,
      target: address === destination.address ? destination : { address, port: to },
      // Resolvers are asked for more than hosts, and some of that has addresses.
      named: name !== undefined && isHostName(name) ? { name, port: to } : undefined,
    };
  }

  function refuse(client: ClientSocket, status: FlowStatus, cause?: Error): void {
    client.terminate();
    stats.refused(status);
    flowLog.refused(status, cause);
  }

  return {
    accept,
    use(next, finished) {
      const old = generation;
      policy = next;
      generation = { flows: 0, finished: undefined };
      old.finished = finished;
      if (old.flows === 0) finished();
      sweep.timeouts = next.timeouts satisfies RelayTimeouts;
    },
    leaveGone: (hasAddress) => [...relays].filter((relay) => relay.leaveGone(hasAddress)).length,
    stop() {
      stopped = true;
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}
