/** `snet run`: brings everything up in the one order that never leaves the user offline, and takes it down in reverse. */
import { raiseFileLimit } from '../../ffi/rlimit.ts';
import { acquireInstanceLock } from '../base/instance_lock.ts';
import { createLog } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import { listen } from '../inbound/listener.ts';
import { portHolder } from '../inbound/select_port_holder.ts';
import type { Address } from '../net/address.ts';
import type { RedirectPlan } from '../redirect/redirect.ts';
import { clientHandlers } from '../relay/handlers.ts';
import { createFlowStats } from '../stats/flow_stats.ts';
import { buildPolicy } from './build_policy.ts';
import { serveControl } from './control.ts';
import { flowLimit } from './descriptors.ts';
import { hasDns, startDns, warnOfUncaught } from './dns_service.ts';
import { createFlowLog } from './flow_log.ts';
import { createFlows } from './flow.ts';
import { followNetwork } from './network_change.ts';
import type { Platform } from './platform/platform.ts';
import { hostPlatform } from './platform/select_platform.ts';
import type { Policy } from './policy.ts';
import { reloadInto, type Running } from './reload.ts';
import { requireRoot } from './root.ts';
import { REFRESHED, watchSignals } from './signals.ts';
import { fetchDocument } from './subscriptions/fetch.ts';
import { keepDocument, keepingOf } from './subscriptions/kept.ts';
import { refreshSubscriptions } from './subscriptions/refresh.ts';
import { sameUpstreams, withKept } from './subscriptions/subscribed.ts';

export interface RunOptions {
  /** Where the config came from; undefined if it was all on the command line. */
  readonly configFile: string | undefined;
  /** Reads the configuration anew, for a reload. @throws ConfigError */
  readonly reload: () => Promise<Config>;
  /** Of this program. */
  readonly version: string;
}

/**
 * Runs until a signal ends it.
 * @returns the exit code: 0 after SIGINT, SIGTERM (and SIGHUP without a config file)
 * @throws SnetError of any layer, if it could not start; nothing is changed on the machine then
 */
export async function runProgram(
  config: Config,
  { configFile, reload, version }: RunOptions,
  platform: Platform = hostPlatform,
): Promise<number> {
  const log = createLog(config.logLevel);
  requireRoot('redirect the connections of other programs');
  await using undo = new AsyncDisposableStack();
  const lock = acquireInstanceLock();
  undo.defer(() => lock.release());

  const prepared = await platform.prepare(config.redirect, log);
  undo.defer(() => prepared.close());
  // Before the first socket: the kernel's rules tell our own sockets by their group.
  process.setgid?.(config.redirect.gid);
  const descriptors = raiseFileLimit();

  const policy = await buildPolicy(config, log);
  const inForce = { config, policy };
  const retired = new Set<Policy>();
  undo.defer(async () => {
    await Promise.all([inForce.policy, ...retired].map((one) => one.stop()));
  });
  const dns = hasDns(config) ? await startDns(config, policy, log, platform.nameservers) : undefined;
  undo.defer(() => dns?.stop());

  const stats = createFlowStats();
  const limit = flowLimit(descriptors.soft, config);
  const nameOf = (address: Address) => dns?.names.only(address);
  const flowLog = createFlowLog(log, (address) => dns?.names.lookup(address));
  const { originalDestination, isProof } = prepared;
  const flows = createFlows(policy, {
    port: config.port,
    limit,
    originalDestination,
    isProof,
    stats,
    flowLog,
    nameOf,
  });
  const listener = listen(
    config.port,
    (family) => clientHandlers((client) => flows.accept(client, family)),
    (port) => portHolder(port),
  );
  undo.defer(() => listener.stop());

  const { redirect, why } = await prepared.selectRedirect();
  const linkLocalDns = redirect.takesLinkLocal && listener.ipv6 ? await dns?.takeLinkLocal() : undefined;
  const plan = (next: Policy): RedirectPlan => ({
    port: config.port,
    dns: dns?.port,
    linkLocalDns,
    gid: config.redirect.gid,
    bypass: next.bypass,
    ipv6: listener.ipv6,
  });
  const running: Running = { inForce, retired, dns, flows, redirect, plan, log };

  const control = serveControl({
    explain: dns && ((...asked) => dns.explain(...asked)),
    status: () => ({
      version,
      pid: process.pid,
      uptime: Math.floor(process.uptime()),
      mechanism: redirect.mechanism,
      upstream: inForce.policy.upstreams.label,
      upstreams: inForce.policy.upstreamStatus(),
      scope: inForce.config.scope,
      dns: dns?.status(),
      flows: stats.snapshot(),
    }),
  });
  undo.defer(() => control.stop());

  // Until here a signal just kills us, and nothing is in the kernel; from here on it is an order.
  const signals = watchSignals();
  undo.defer(() => signals.stop());
  undo.defer(() => redirect.remove());
  // Before that: with its last chain of type nat the kernel stops translating, and a reset would not reach its program.
  undo.defer(() => flows.stop());
  await redirect.apply(plan(policy));
  if (dns) {
    const seesToLinkLocal = linkLocalDns !== undefined || redirect.refusesLinkLocal?.() === true;
    await warnOfUncaught(platform.nameservers, seesToLinkLocal, log);
  }

  log.info('redirecting', { mechanism: redirect.mechanism, why, limit });
  log.info('ready', {
    upstream: policy.upstreams.label,
    scope: config.scope,
    port: config.port,
    dns: dns?.port ?? 'off',
  });

  const network = followNetwork(running, (changed) => platform.watchNetwork(changed, log));
  undo.defer(() => network.stop());

  let fresh = keepFresh();
  undo.defer(() => fresh.stop());
  function keepFresh() {
    const keeping = keepingOf(inForce.config);
    return refreshSubscriptions(inForce.config.subscriptions, {
      async renew(one) {
        const { text } = await fetchDocument(one, keeping, inForce.policy.upstreams);
        await keepDocument(one, text, keeping);
      },
      renewed: () => signals.refreshed(),
      log,
    });
  }
  async function isOutdated(): Promise<boolean> {
    const kept = await withKept(inForce.config, keepingOf(inForce.config));
    return !sameUpstreams(kept, inForce.policy.configured);
  }

  for (;;) {
    const signal = await signals.next();
    if (signal === REFRESHED) {
      const again = () => Promise.resolve(inForce.config);
      if (await isOutdated()) await reloadInto(running, again, signals.ending);
      continue;
    }
    if (signal !== 'SIGHUP' || configFile === undefined) {
      // Now, so that what they carried counts.
      flows.stop();
      const { accepted, bytesUp, bytesDown } = stats.snapshot();
      log.info('stopping', { signal, flows: accepted, bytesUp, bytesDown });
      return 0;
    }
    await reloadInto(running, reload, signals.ending);
    fresh.stop();
    fresh = keepFresh();
  }
}
