/** `snet server`: listens, serves until a signal comes, and lets those finish who are under way. */
import { raiseFileLimit } from '../../ffi/rlimit.ts';
import { createLog, type Log } from '../base/log.ts';
import type { ServerConfig } from '../config/server_config.ts';
import { serveControl } from './control.ts';
import { connectionLimit } from './descriptors.ts';
import { startServer, type Server } from './server/start.ts';
import { watchSignals, type Signals } from './signals.ts';

export interface ServeOptions {
  /** Of this program. */
  readonly version: string;
  /** Called once it listens. */
  readonly ready: () => Promise<void>;
}

/**
 * Runs until a signal ends it.
 * @returns the exit code: 0
 * @throws SnetError of any layer, if it could not start
 */
export async function serveProgram(config: ServerConfig, { version, ready }: ServeOptions): Promise<number> {
  const log = createLog(config.logLevel);
  await using undo = new AsyncDisposableStack();
  const limit = connectionLimit(raiseFileLimit().soft, config);
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

  const signal = await signals.next();
  await finish(server, signals, config.timeouts.drain, log, signal);
  sayTotals(server, log);
  return 0;
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
