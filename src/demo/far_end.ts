/** The demo's Shadowsocks server: the sessions, the relay and the listener, wired together. */
import type { Socket } from 'bun';
import { lookup } from 'node:dns/promises';
import { explain } from '../base/errors.ts';
import { parseAddress, type Endpoint } from '../net/address.ts';
import type { Session } from '../net/session.ts';
import { Relay, type ClientSocket, type RelayEvents } from '../relay/relay.ts';
import { Sweep } from '../relay/sweep.ts';
import { serveShadowsocks, type Joined } from '../server/shadowsocks.ts';
import { direct } from '../upstream/direct.ts';
import { Reach, type ReachEvents } from '../upstream/reach.ts';
import type { Target } from '../net/target.ts';
import { createShadowsocksProtocol, type Credentials } from '../upstream/shadowsocks/shadowsocks.ts';

/** Milliseconds. */
const TIMEOUTS = { dial: 10_000, idle: 300_000, halfClosed: 60_000 };
/** As long as a prober would have to wait anyway: nothing is learnt from when a connection is closed. */
const PATIENCE = 60_000;

export interface FarEndOptions {
  readonly credentials: Credentials;
  readonly hostname: string;
  /** 0 takes any. */
  readonly port: number;
  /** Milliseconds in which a client must have said its target. */
  readonly patience?: number;
  /** One line for each connection that did not end well. */
  readonly log: (line: string) => void;
}

/** Serves until stopped. @throws what Bun.listen throws */
export function startFarEnd({ credentials, hostname, port, patience = PATIENCE, log }: FarEndOptions) {
  const protocol = createShadowsocksProtocol({ ...credentials, aead: 'auto' });

  const relays = new Set<Relay>();
  const sweep = new Sweep(relays, TIMEOUTS);
  const events: RelayEvents = {
    now: () => sweep.now,
    // The client's first bytes are here already, in the session.
    firstData: 0,
    unanswered: () => {},
    answered: () => {},
    settled(relay, status, cause) {
      relays.delete(relay);
      const waiting = relay.context as Waiting;
      if (!waiting.isTaken) waiting.session.dispose();
      if (status !== 'OK') log(cause === undefined ? status : `${status} ${explain(cause)}`);
    },
  };

  function join(socket: Socket<unknown>, session: Session, target: Target): Joined {
    // The relay reads nothing of its socket's data, which is the server's own.
    const waiting: Waiting = { session, isTaken: false };
    const relay = new Relay(socket as ClientSocket, events, waiting);
    relays.add(relay);
    sweep.wake();
    void connect(relay, waiting, target);
    return {
      clientData: (chunk) => relay.clientData(chunk),
      clientEnd: () => relay.clientEnd(),
      clientDrain: () => relay.clientDrain(),
      clientClose: (error) => relay.clientClose(error),
      clientFailed: (error) => relay.settle(error.status, error),
    };
  }

  const listener = serveShadowsocks({
    hostname,
    port,
    session: () => protocol.serverSession(),
    join,
    patience,
  });
  return {
    port: listener.port,
    stop() {
      listener.stop();
      for (const relay of relays) relay.settle('STOPPED');
      sweep.stop();
    },
  };
}

const reached: ReachEvents<Relay> = {
  opened: (relay, remote, session, rest) => relay.opened(remote, session, rest),
  retrying: () => {},
  lost: (relay, status, cause) => relay.settle(status, cause),
};

/** A session to be spoken with the client; the target gets its bytes as they are. */
interface Waiting {
  readonly session: Session;
  /** Whoever has it disposes of it. */
  isTaken: boolean;
}

async function connect(relay: Relay, waiting: Waiting, target: Target): Promise<void> {
  try {
    const destination = await endpointOf(target);
    // The client may have gone while its target's name was looked up.
    if (relay.status !== undefined) return;
    const tunnel = () => {
      waiting.isTaken = true;
      return { session: waiting.session };
    };
    const candidates = [{ ...direct, tunnel }];
    const reach = new Reach({ candidates, destination, target, named: undefined }, relay, reached);
    relay.approach = reach;
    reach.start();
  } catch (error) {
    relay.settle('ERR_DIAL', error);
  }
}

/** @throws Error if the name has no address */
async function endpointOf(target: Target): Promise<Endpoint> {
  if ('address' in target) return target;
  const { address: text } = await lookup(target.name);
  const address = parseAddress(text);
  if (!address) throw new Error(`${target.name} has the address ${text}, which is none`);
  return { address, port: target.port };
}
