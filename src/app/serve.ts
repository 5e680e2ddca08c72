/** `snet server`: listens, serves until a signal comes, and lets those finish who are under way. */
import { raiseFileLimit } from '../../ffi/rlimit.ts';
import { createLog, type Log } from '../base/log.ts';
import type { ServerConfig } from '../config/server_config.ts';
import { serveControl } from './control.ts';
import { connectionLimit } from './descriptors.ts';
import { startServer, type Server } from './server/start.ts';
import { watchSignals, type Signals } from './signals.ts';
import { whyNot } from './why_not.ts';

export interface ServeOptions {
  /** Of this program. */
  readonly version: string;
  /** Called once it listens. */
  readonly ready: () => Promise<void>;
  /** Reads the configuration again, for SIGHUP; undefined: there is no file, and SIGHUP ends the program. */
  readonly reload: (() => Promise<ServerConfig>) | undefined;
}

/**
 * Runs until a signal ends it.
 * @returns the exit code: 0
 * @throws SnetError of any layer, if it could not start
 */
export async function serveProgram(
  initial: ServerConfig,
  { version, ready, reload }: ServeOptions,
): Promise<number> {
  let config = initial;
  const log = createLog(config.logLevel);
  await using undo = new AsyncDisposableStack();
  const { soft: descriptors } = raiseFileLimit();
  const limit = connectionLimit(descriptors, config);
  const server = startServer(config, limit, log);
  undo.defer(() => server.stop());
  if (config.control !== undefined) {
    const { pid } = process;
    const status = () => ({ version, pid, uptime: Math.floor(process.uptime()), ...server.status() });
    const control = serveControl({ status, explain: undefined }, config.control);
    undo.defer(() => control.stop());
  }
  const signals = watchSignals();
  undo.defer(() => signals.stop());
  for (const { label, port } of server.listeners) log.info('listening', { listener: label, port });
  log.info('ready', { limit, private: config.allowPrivate ? 'allowed' : 'refused' });
  await ready();

  for (;;) {
    const signal = await signals.next();
    if (signal === 'SIGHUP' && reload) {
      config = await taken(server, config, reload, descriptors, log);
      continue;
    }
    await finish(server, signals, config.timeouts.drain, log, signal);
    sayTotals(server, log);
    return 0;
  }
}

/**
 * Puts a new configuration in force, or keeps the old one and says why. Never rejects.
 * @returns the one in force
 */
async function taken(
  server: Server,
  former: ServerConfig,
  read: () => Promise<ServerConfig>,
  descriptors: number,
  log: Log,
): Promise<ServerConfig> {
  try {
    const config = await read();
    server.use(config, connectionLimit(descriptors, config));
    log.setLevel(config.logLevel);
    if (config.control !== former.control) log.warn('needs a restart to change', { key: 'server.control' });
    for (const { label, port } of server.listeners) log.info('listening', { listener: label, port });
    log.info('reloaded', { private: config.allowPrivate ? 'allowed' : 'refused' });
    return { ...config, control: former.control };
  } catch (error) {
    log.error('the new configuration was not taken; the old one stays in force', whyNot(error));
    return former;
  }
}

/** Waits for connections under way, though not for ever, and not if somebody insists. */
async function finish(
  server: Server,
  signals: Signals,
  longest: number,
  log: Log,
  signal: string,
): Promise<void> {
  const { joined } = server.status().open;
  const drained = server.drain();
  if (joined === 0) return;
  log.info('stopping: waiting for connections; another signal ends them', {
    signal,
    connections: joined,
    seconds: Math.round(longest / 1000),
  });
  await Promise.race([drained, signals.next(), Bun.sleep(longest)]);
}

function sayTotals(server: Server, log: Log): void {
  const left = server.status().open.joined;
  // Now, so that what they carried counts.
  server.stop();
  const { all, users } = server.status();
  for (const [user, { accepted, bytesUp, bytesDown }] of Object.entries(users))
    log.info('user', { user, connections: accepted, bytesUp, bytesDown });
  const { accepted, bytesUp, bytesDown } = all;
  log.info('stopped', { connections: accepted, reset: left, bytesUp, bytesDown });
}
