/** The far end, put together: from its configuration to what listens. */
import type { Socket } from 'bun';
import type { Log } from '../../base/log.ts';
import type { ServerConfig } from '../../config/server_config.ts';
import { formatAddress } from '../../net/address.ts';
import { isWithoutIPv6, listenOn, type Listening } from '../../net/listen.ts';
import { visitorHandlers, type Visitor } from '../../server/visitor.ts';
import { portHolder } from '../../inbound/select_port_holder.ts';
import { createEntrances, type Entrance } from './entrance.ts';
import { createServerFlows } from './flow.ts';
import { lookUpBySystem, rememberFor, type Lookup } from './names.ts';
import { isOwnEndpoint } from './own_endpoints.ts';
import { createPrivateCheck } from './private.ts';
import { createServerLog } from './server_log.ts';
import { createServerStats, type ServerSnapshot } from './server_stats.ts';

export interface Server {
  /** In the order of the configuration; a port that was 0 there is the one that was taken. */
  readonly listeners: readonly { readonly label: string; readonly port: number }[];
  status(): ServerState;
  /** Takes no more connections, sends strangers away; resolves once the last connection has ended. */
  drain(): Promise<void>;
  /** Takes no more connections, and resets those that there are. */
  stop(): void;
}

export interface ServerState extends ServerSnapshot {
  readonly listeners: readonly string[];
  readonly open: { readonly joined: number; readonly strangers: number };
}

/**
 * @param limit the most connections at once
 * @throws ListenError, AeadError, CredentialsError; nothing listens then
 */
export function startServer(
  config: ServerConfig,
  limit: number,
  log: Log,
  lookup: Lookup = rememberFor(lookUpBySystem),
): Server {
  const entrances = createEntrances(config, log);
  const stats = createServerStats(entrances.flatMap(usersOf));
  const ports = new Set<number>();
  const flows = createServerFlows({
    limits: { total: limit, perClient: config.maxPerClient, strangers: config.maxStrangers },
    timeouts: config.timeouts,
    rules: {
      ports: config.ports,
      allowPrivate: config.allowPrivate,
      isPrivate: createPrivateCheck(),
      isOwn: (endpoint) => isOwnEndpoint(ports, endpoint),
    },
    lookup,
    stats,
    log: createServerLog(log),
  });

  const listening: Listening[] = [];
  const close = () => listening.forEach((one) => one.stop());
  try {
    for (const entrance of entrances) {
      const one = openEntrance(entrance, (socket) => flows.accept(socket, entrance));
      listening.push(one);
      ports.add(one.port);
    }
  } catch (error) {
    close();
    throw error;
  }
  const listeners = entrances.map(({ label }, i) => ({ label, port: listening[i]!.port }));
  return {
    listeners,
    status: () => ({
      listeners: listeners.map(({ label }) => label),
      open: flows.open,
      ...stats.snapshot(),
    }),
    drain() {
      close();
      return flows.drain();
    },
    stop() {
      close();
      flows.stop();
    },
  };
}

/** Who is told apart at an entrance, as the counters have them. */
function usersOf({ label, config: { users } }: Entrance): string[] {
  return users.size === 0 ? [label] : [...users.keys()];
}

function openEntrance(
  { config, tls }: Entrance,
  accept: (socket: Socket<Visitor | undefined>) => void,
): Listening {
  const options = {
    port: config.port,
    handlers: visitorHandlers(accept),
    tls,
    holder: portHolder,
    elsewhere: 'to listen on',
  };
  if (config.address) return listenOn({ ...options, hostname: formatAddress(config.address) });
  try {
    return listenOn({ ...options, hostname: '::' });
  } catch (error) {
    if (!isWithoutIPv6(error)) throw error;
    return listenOn({ ...options, hostname: '0.0.0.0' });
  }
}
