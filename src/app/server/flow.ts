/**
 * The way of a connection at the far end, from top to bottom:
 *
 *   accept ─▶ room? ─▶ key, user, target ─▶ allowed? ─▶ address ─▶ allowed? ─▶ dial ─▶ relay ─▶ stats
 */
import type { Socket } from 'bun';
import { SnetError } from '../../base/errors.ts';
import type { ServerConfig } from '../../config/server_config.ts';
import { formatEndpoint, type Address, type Endpoint } from '../../net/address.ts';
import type { Target } from '../../net/target.ts';
import { Relay, type Approach, type ClientSocket, type RelayEvents } from '../../relay/relay.ts';
import { Sweep } from '../../relay/sweep.ts';
import { clientKey } from '../../server/client_key.ts';
import { createCrowd, type CrowdLimits } from '../../server/crowd.ts';
import { refusedEndpoint, refusedPort, type OutboundRules, type Refusal } from '../../server/outbound.ts';
import type { Turned } from '../../server/turned.ts';
import { Visitor, type House, type Joined } from '../../server/visitor.ts';
import { direct } from '../../upstream/direct.ts';
import { Reach, type ReachEvents } from '../../upstream/reach.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import type { Entrance } from './entrance.ts';
import { interleaved, type Lookup } from './names.ts';
import type { ServerLog } from './server_log.ts';
import type { ServerStats } from './server_stats.ts';

/** What one joined connection keeps beside its relay. */
export interface Way {
  readonly visitor: Visitor;
  readonly session: Turned;
  readonly target: Target;
  /** A name of the configuration, or the entrance's label where nobody is told apart. */
  readonly user: string;
  /** Milliseconds, monotonic. */
  readonly began: number;
  /** The relay has taken the session, and disposes of it. */
  isTaken: boolean;
  reach: Pick<Reach<Relay>, 'endpoint'> | undefined;
}

class ForbiddenError extends SnetError<'ERR_FORBIDDEN'> {}

const WHY: Readonly<Record<Refusal, string>> = {
  port: 'nobody may go to this port',
  private: 'a private, local or special address',
  own: 'this server itself',
};

/** What a reload may change. */
export interface ServerPolicy {
  readonly limits: CrowdLimits;
  readonly timeouts: ServerConfig['timeouts'];
  readonly rules: OutboundRules;
}

export interface ServerFlowOptions {
  readonly lookup: Lookup;
  readonly stats: ServerStats;
  readonly log: ServerLog;
}

export interface ServerFlows {
  /** For the listeners' `open`. */
  accept(socket: Socket<Visitor | undefined>, entrance: Entrance): void;
  /** Connections that are joined, and those of strangers. */
  readonly open: { readonly joined: number; readonly strangers: number };
  /** Goes by this from now on. Nobody has to leave by it, and who is joined stays; timeouts count for all. */
  use(policy: ServerPolicy): void;
  /** Sends strangers away; resolves once the last connection has ended. Nothing may be accepted any more. */
  drain(): Promise<void>;
  /** Resets what there is. */
  stop(): void;
}

/** Milliseconds that connecting to one address may take while there is another one of the same name. */
const PATIENCE = 1_000;
/** Names with more addresses than that are not worth the wait. */
const MOST_ADDRESSES = 6;

const NOTHING = new Uint8Array(0);

export function createServerFlows(initial: ServerPolicy, options: ServerFlowOptions): ServerFlows {
  const { lookup, stats, log } = options;
  let { timeouts, rules } = initial;
  const crowd = createCrowd<Visitor>(initial.limits, (visitor) => visitor.dismiss('ERR_EVICTED'));
  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, timeouts);
  let drained: (() => void) | undefined;

  function accept(socket: Socket<Visitor | undefined>, entrance: Entrance): void {
    // Whoever has gone before it was accepted is nobody; the types don't say so (Bun 1.4.5).
    const address = socket.remoteAddress as string | undefined;
    if (address === undefined) {
      socket.terminate();
      return stats.refused('CLIENT_RESET');
    }
    const client = clientKey(address);
    if (!crowd.makeRoom(client)) {
      socket.terminate();
      stats.refused('ERR_LIMIT');
      return log.refused(client);
    }
    // Nobody learns by the clock what is in the configuration, nor what it was that was not understood.
    const patience = timeouts.handshake * (1 + Math.random());
    const visitor = new Visitor(socket, client, entrance.session(), patience, house, entrance);
    socket.data = visitor;
    crowd.enter(visitor, client);
  }

  const house: House = {
    join(visitor, session): Joined {
      crowd.known(visitor);
      const user = visitor.user ?? (visitor.context as Entrance).label;
      const target = visitor.target!;
      const began = performance.now();
      const way: Way = { visitor, session, target, user, began, isTaken: false, reach: undefined };
      // The relay reads nothing of its socket's data, which is the visitor.
      const relay = new Relay(visitor.socket as ClientSocket, events, way);
      relays.add(relay);
      sweep.wake();
      stats.opened(user);
      approach(relay, way);
      return {
        clientData: (chunk) => relay.clientData(chunk),
        clientEnd() {
          session.clientEnd();
          // A FIN passed on here would make a whole out of a part.
          if (session.failure) relay.settle(session.failure.status, session.failure);
          else relay.clientEnd();
        },
        clientDrain: () => relay.clientDrain(),
        clientClose: (error) => relay.clientClose(error),
        clientFailed: (status, error) => relay.settle(status, error),
      };
    },
    refused: (visitor, why) => log.strangerRefused(visitor, why),
    left(visitor, status, cause) {
      crowd.leave(visitor, visitor.client);
      if (status !== undefined) {
        stats.refused(status);
        log.strangerLeft(visitor, status, cause);
      }
      if (crowd.size === 0) drained?.();
    },
  };

  const events: RelayEvents = {
    now: () => sweep.now,
    // The client's first bytes are in the session already, and are sent as soon as there is a way.
    firstData: 0,
    unanswered: () => {},
    answered: () => {},
    settled(relay, status, cause) {
      relays.delete(relay);
      const way = relay.context as Way;
      const { session, isTaken, user } = way;
      // What it came to by that counts for less.
      const ended = session.failure?.status ?? status;
      const [up, down] = [relay.up.bytes, session.bytesDown(relay.down.bytes)];
      stats.ended(user, ended, up, down);
      log.ended(way, ended, up, down, session.failure ?? cause);
      if (!isTaken) session.dispose();
    },
  };

  function approach(relay: Relay, way: Way): void {
    const { target } = way;
    const refusal = refusedPort(rules, target.port);
    if (refusal) return relay.settle('ERR_FORBIDDEN', new ForbiddenError('ERR_FORBIDDEN', WHY[refusal]));
    if ('address' in target) return dial(relay, way, [target]);
    relay.approach = new Waiting(relay);
    void connect(relay, way, target);
  }

  /** Never rejects. */
  async function connect(relay: Relay, way: Way, target: Exclude<Target, Endpoint>): Promise<void> {
    try {
      const addresses = await addressesOf(relay, target.name);
      // The client may have gone meanwhile.
      if (relay.status === undefined) dial(relay, way, endpointsOf(addresses, target.port));
    } catch (error) {
      relay.settle('ERR_INTERNAL', error);
    }
  }

  /** Empty if there is none, and the relay is over then. */
  async function addressesOf(relay: Relay, name: string): Promise<readonly Address[]> {
    try {
      return await lookup(name);
    } catch (error) {
      relay.settle('ERR_DIAL_NO_ADDRESS', error);
      return [];
    }
  }

  /** Only what is given to the kernel is judged: a name may have other addresses the next time that it is asked for. */
  function dial(relay: Relay, way: Way, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) return relay.settle('ERR_DIAL_NO_ADDRESS');
    const allowed = endpoints.filter((endpoint) => refusedEndpoint(rules, endpoint) === undefined);
    const [first] = allowed;
    if (first === undefined) {
      const reasons = endpoints.map((one) => `${formatEndpoint(one)}: ${WHY[refusedEndpoint(rules, one)!]}`);
      return relay.settle('ERR_FORBIDDEN', new ForbiddenError('ERR_FORBIDDEN', reasons.join(', ')));
    }
    const tunnel = () => {
      way.isTaken = true;
      return { session: way.session };
    };
    // Each of its own, so that none but the last may take all the time that there is.
    const candidates = allowed.map((endpoint): Upstream => ({
      ...direct,
      patience: PATIENCE,
      endpoints: () => [endpoint],
      tunnel,
    }));
    const aim = { candidates, destination: first, target: way.target, named: undefined };
    const reach = new Reach(aim, relay, reached);
    way.reach = reach;
    relay.approach = reach;
    reach.start();
  }

  const reached: ReachEvents<Relay> = {
    opened(relay, socket, session, rest) {
      relay.opened(socket, session, rest);
      // Has it send what is in the session, also if the client says nothing more.
      if (relay.status === undefined) relay.clientData(NOTHING);
    },
    retrying: (relay, status, cause) => log.retrying(relay.context as Way, status, cause),
    lost: (relay, status, cause) => relay.settle(status, cause),
  };

  return {
    accept,
    get open() {
      return { joined: relays.size, strangers: crowd.strangers.size };
    },
    use(policy) {
      crowd.limits = policy.limits;
      ({ timeouts, rules } = policy);
      sweep.timeouts = timeouts;
    },
    async drain() {
      for (const visitor of crowd.strangers) visitor.dismiss('STOPPED');
      if (crowd.size > 0) await new Promise<void>((resolve) => (drained = resolve));
    },
    stop() {
      for (const visitor of crowd.strangers) visitor.dismiss('STOPPED');
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}

function endpointsOf(addresses: readonly Address[], port: number): Endpoint[] {
  return interleaved(addresses)
    .slice(0, MOST_ADDRESSES)
    .map((address) => ({ address, port }));
}

/** For the addresses of a name. */
class Waiting implements Approach {
  readonly #relay: Relay;
  readonly #began = performance.now();

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  expire(now: number, longest: number): void {
    if (now - this.#began >= longest)
      this.#relay.settle('ERR_DIAL_TIMEOUT', 'its name was not resolved in time');
  }

  again(): boolean {
    return false;
  }

  /** The look-up can't be given up; nobody waits for it any more. */
  abandon(): void {}
}
