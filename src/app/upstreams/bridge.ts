/**
 * TLS within another upstream's tunnel. The runtime speaks TLS on sockets only, so it is given one end of a pair; a
 * relay like that of any client carries what comes out of the other end through the outer upstream.
 */
import { socketPair } from '../../../ffi/socketpair.ts';
import { explain } from '../../base/errors.ts';
import { adopt } from '../../net/adopt.ts';
import type { Endpoint } from '../../net/address.ts';
import type { FlowStatus } from '../../net/flow_status.ts';
import type { HasAddress } from '../../net/local_addresses.ts';
import { HopError, hopOf } from '../../net/hop.ts';
import type { RemoteEnd, RemoteSocket } from '../../net/socket.ts';
import type { Target } from '../../net/target.ts';
import { clientHandlers } from '../../relay/handlers.ts';
import { Relay, type RelayEvents } from '../../relay/relay.ts';
import { Sweep } from '../../relay/sweep.ts';
import { ofServer } from '../../upstream/chain/server_refusal.ts';
import { adoptRemote } from '../../upstream/dial.ts';
import { Reach, type ReachEvents } from '../../upstream/reach.ts';
import type { TlsClient } from '../../upstream/tls_client.ts';
import type { Dialling, Upstream } from '../../upstream/upstream.ts';

export interface Bridge {
  /** For {@link Upstream.dial}: connects to the inner server through the outer one. */
  dial(endpoint: Endpoint, end: RemoteEnd): Dialling;
  /** Ends what goes by an address that the machine has no more. */
  leaveGone(hasAddress: HasAddress): void;
  stop(): void;
}

/**
 * @param server of the inner upstream, as the outer one is told of it
 * @param hop the inner upstream's own label
 * @param dialTimeout milliseconds for one attempt of the outer upstream
 */
export function createBridge(
  outer: Upstream,
  server: Target,
  tls: TlsClient,
  hop: string,
  dialTimeout: number,
): Bridge {
  const relays = new Set<Relay>();
  // Who goes through it has timeouts of its own, and ends it.
  const sweep = new Sweep(relays, { dial: dialTimeout, idle: Infinity, halfClosed: Infinity });
  const events: RelayEvents = {
    now: () => sweep.now,
    firstData: 0,
    answered: () => {},
    unanswered: () => {},
    settled(relay, status, cause) {
      relays.delete(relay);
      const { near } = relay.context as Context;
      if (status === 'OK' || near === undefined) return;
      // Told before TLS sees no more than an end.
      near.data.remoteClose(near, errorOf(status, cause));
      near.terminate();
    },
  };

  function errorOf(status: FlowStatus, cause: unknown): HopError {
    const said = cause === undefined ? status : explain(cause);
    const ofInner = ofServer(status);
    if (ofInner !== status) return new HopError(ofInner, hop, `not reached: ${said}`);
    const at = hopOf(cause) ?? outer.hop ?? hop;
    return status === 'ERR_UPSTREAM_NO_ANSWER'
      ? new HopError(status, `${at} or ${hop}`, undefined)
      : new HopError(status, at, said, cause);
  }

  return {
    dial(endpoint, end) {
      const [near, far] = socketPair();
      const context: Context = { near: undefined, relay: undefined, reach: undefined };
      const accept = clientHandlers((client) => {
        const relay = new Relay(client, events, context);
        client.data = relay;
        relays.add(relay);
        sweep.wake();
        const aim = { candidates: [outer], destination: endpoint, target: server, named: server };
        const reach = new Reach(aim, relay, reached);
        relay.approach = reach;
        context.relay = relay;
        context.reach = reach;
        reach.start();
      });
      adoptRemote(
        near,
        tls,
        handOver(end, (socket) => (context.near = socket)),
      );
      adopt<Relay | undefined>(far, accept, undefined);
      return {
        get hop() {
          const { relay, reach } = context;
          if (relay?.isOpen !== true) return reach?.hop ?? outer.hop;
          return relay.unheard === undefined ? hop : `${relay.unheard} or ${hop}`;
        },
      };
    },
    leaveGone(hasAddress) {
      for (const relay of relays) relay.leaveGone(hasAddress);
    },
    stop() {
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}

interface Context {
  near: RemoteSocket | undefined;
  relay: Relay | undefined;
  reach: Reach<Relay> | undefined;
}

const reached: ReachEvents<Relay> = {
  opened: (relay, socket, session, rest) => relay.opened(socket, session, rest),
  retrying: () => {},
  lost: (relay, status, cause) => relay.settle(status, cause),
};

/** Takes a look at the socket, and steps aside. */
function handOver(end: RemoteEnd, look: (socket: RemoteSocket) => void): RemoteEnd {
  const unheard = () => {};
  return {
    remoteDialled(socket) {
      look(socket);
      socket.data = end;
      end.remoteDialled(socket);
    },
    remoteSecured: unheard,
    remoteData: unheard,
    remoteEnd: unheard,
    remoteDrain: unheard,
    remoteClose: unheard,
    remoteFault: unheard,
  };
}
