/** `snet run`: brings everything up in the one order that never leaves the user offline, and takes it down in reverse. */
import { raiseFileLimit } from '../../ffi/rlimit.ts';
import { SnetError, explain } from '../base/errors.ts';
import { acquireInstanceLock } from '../base/instance_lock.ts';
import type { Log } from '../base/log.ts';
import { createLog } from '../base/log.ts';
import { systemRunner } from '../base/runner.ts';
import type { Config } from '../config/config.ts';
import { listen } from '../inbound/listener.ts';
import { portHolder } from '../inbound/port_holder.ts';
import { selectRedirect } from '../redirect/select_redirect.ts';
import type { Redirect, RedirectPlan } from '../redirect/redirect.ts';
import { clientHandlers } from '../relay/handlers.ts';
import { createFlowStats } from '../stats/flow_stats.ts';
import { createFlowLog } from './flow_log.ts';
import { createFlows, type Flows } from './flow.ts';
import { buildPolicy } from './build_policy.ts';
import type { Policy } from './policy.ts';
import { requireRoot } from './root.ts';
import { watchSignals } from './signals.ts';

export interface RunOptions {
  /** Where the config came from; undefined if it was all on the command line. */
  readonly configFile: string | undefined;
  /** Reads the configuration anew, for a reload. @throws ConfigError */
  readonly reload: () => Promise<Config>;
}

/** Descriptors kept free of flows: listeners, netlink, resolvers, log, and those being accepted only to be refused. */
const RESERVED_DESCRIPTORS = 64;
const DESCRIPTORS_PER_FLOW = 2;

/**
 * Runs until a signal ends it.
 * @returns the exit code: 0 after SIGINT, SIGTERM (and SIGHUP without a config file)
 * @throws SnetError of any layer, if it could not start; nothing is changed on the machine then
 */
export async function runProgram(config: Config, { configFile, reload }: RunOptions): Promise<number> {
  const log = createLog(config.logLevel);
  requireRoot('redirect the connections of other programs');
  await using undo = new AsyncDisposableStack();
  const lock = acquireInstanceLock();
  undo.defer(() => lock.release());

  // Before the first socket: the kernel's rules tell our own sockets by their group.
  process.setgid?.(config.redirect.gid);
  const descriptors = raiseFileLimit();

  let policy = await buildPolicy(config, log);
  undo.defer(() => policy.stop());

  const stats = createFlowStats();
  const limit = flowLimit(descriptors.soft, config.maxConnections);
  const flows = createFlows(policy, { port: config.port, limit, stats, log, flowLog: createFlowLog(log) });

  const listener = listen(
    config.port,
    (family) => clientHandlers((client) => flows.accept(client, family)),
    (port) => portHolder(port),
  );
  undo.defer(() => listener.stop());

  const { redirect, why } = await selectRedirect(config.redirect.mechanism, log, systemRunner);
  const plan = (next: Policy): RedirectPlan => ({
    port: config.port,
    gid: config.redirect.gid,
    bypass: next.bypass,
    ipv6: listener.ipv6,
  });
  // Until here a signal just kills us, and nothing is in the kernel; from here on it is an order.
  const signals = watchSignals();
  undo.defer(() => signals.stop());
  undo.defer(() => redirect.remove());
  // Before that: with its last chain of type nat the kernel stops translating, and a reset would not reach its program.
  undo.defer(() => flows.stop());
  await redirect.apply(plan(policy));

  log.info('redirecting', { mechanism: redirect.mechanism, why, limit });
  log.info('ready', { upstream: policy.upstream.label, scope: config.scope, port: config.port });

  for (;;) {
    const signal = await signals.next();
    if (signal !== 'SIGHUP' || configFile === undefined) {
      // Now, so that what they carried counts.
      flows.stop();
      const { accepted, bytesUp, bytesDown } = stats.snapshot();
      log.info('stopping', { signal, flows: accepted, bytesUp, bytesDown });
      return 0;
    }
    policy = await swap(policy, config, { reload, redirect, plan, flows, log });
  }
}

interface Swap {
  readonly reload: () => Promise<Config>;
  readonly redirect: Redirect;
  readonly plan: (policy: Policy) => RedirectPlan;
  readonly flows: Flows;
  readonly log: Log;
}

/** Puts a new configuration in force, or keeps the old one and says why. @returns the policy in force afterwards */
async function swap(
  old: Policy,
  running: Config,
  { reload, redirect, plan, flows, log }: Swap,
): Promise<Policy> {
  let next: Policy | undefined;
  try {
    const config = await reload();
    next = await buildPolicy(config, log);
    await redirect.update(plan(next));
    flows.use(next);
    log.setLevel(config.logLevel);
    for (const key of fixedAtStart(running, config)) log.warn('needs a restart to change', { key });
    log.info('reloaded', { upstream: next.upstream.label, scope: config.scope });
    old.stop();
    return next;
  } catch (error) {
    next?.stop();
    const status = error instanceof SnetError ? error.status : 'ERR_INTERNAL';
    log.error('the new configuration was not taken; the old one stays in force', {
      status,
      reason: explain(error),
    });
    return old;
  }
}

/** Keys that a reload cannot change while the listeners and rules stay. */
function fixedAtStart(running: Config, next: Config): string[] {
  return [
    ...(running.port === next.port ? [] : ['listen.port']),
    ...(running.redirect.gid === next.redirect.gid ? [] : ['redirect.gid']),
    ...(running.redirect.mechanism === next.redirect.mechanism ? [] : ['redirect.mechanism']),
    ...(running.maxConnections === next.maxConnections ? [] : ['max-connections']),
  ];
}

function flowLimit(descriptors: number, wanted: number | undefined): number {
  const possible = Math.max(1, Math.floor((descriptors - RESERVED_DESCRIPTORS) / DESCRIPTORS_PER_FLOW));
  return Math.min(possible, wanted ?? Number.POSITIVE_INFINITY);
}
