/** The far end, put together: from its configuration to what listens. */
import type { Log } from '../../base/log.ts';
import type { ServerConfig } from '../../config/server_config.ts';
import { createDoors } from './doors.ts';
import { createEntrances, type Entrance, type KeyMemory } from './entrance.ts';
import { createServerFlows, type ServerPolicy } from './flow.ts';
import { lookUpBySystem, rememberFor, type Lookup } from './names.ts';
import { isOwnEndpoint } from './own_endpoints.ts';
import { createPrivateCheck } from './private.ts';
import { createServerLog } from './server_log.ts';
import { createServerStats, type ServerSnapshot } from './server_stats.ts';

export interface Server {
  /** In the order of the configuration; a port that was 0 there is the one that was taken. */
  readonly listeners: readonly { readonly label: string; readonly port: number }[];
  status(): ServerState;
  /**
   * Goes by another configuration from now on; connections under way end as they began.
   * @throws ListenError, AeadError, CredentialsError; all is as before then
   */
  use(config: ServerConfig, limit: number): void;
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
  const stats = createServerStats();
  const isPrivate = createPrivateCheck();
  let memory: KeyMemory | undefined;
  let ports: ReadonlySet<number> = new Set();
  const policyOf = (one: ServerConfig, total: number): ServerPolicy => ({
    limits: { total, perClient: one.maxPerClient, strangers: one.maxStrangers },
    timeouts: one.timeouts,
    rules: {
      ports: one.ports,
      allowPrivate: one.allowPrivate,
      isPrivate,
      isOwn: (endpoint) => isOwnEndpoint(ports, endpoint),
    },
  });
  const flows = createServerFlows(policyOf(config, limit), { lookup, stats, log: createServerLog(log) });
  const doors = createDoors((socket, entrance) => flows.accept(socket, entrance));

  function open(one: ServerConfig): void {
    const made = createEntrances(one, log, memory);
    doors.open(made.entrances);
    memory = made.memory;
    ports = new Set(doors.listeners.map(({ port }) => port));
    stats.expect(made.entrances.flatMap(usersOf));
  }

  open(config);
  return {
    get listeners() {
      return doors.listeners;
    },
    status: () => ({
      listeners: doors.listeners.map(({ label }) => label),
      open: flows.open,
      ...stats.snapshot(),
    }),
    use(next, total) {
      open(next);
      flows.use(policyOf(next, total));
    },
    drain() {
      doors.close();
      return flows.drain();
    },
    stop() {
      doors.close();
      flows.stop();
    },
  };
}

/** Who is told apart at an entrance, as the counters have them. */
function usersOf({ label, config: { users } }: Entrance): string[] {
  return users.size === 0 ? [label] : [...users.keys()];
}
