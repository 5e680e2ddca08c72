/** A new configuration in the place of the old one, while everything runs: checked and built whole, then swapped in. */
import type { Log } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import type { Redirect, RedirectPlan } from '../redirect/redirect.ts';
import type { DnsRules } from './build_dns.ts';
import { buildPolicy } from './build_policy.ts';
import { hasDns, type DnsService } from './dns_service.ts';
import type { Flows } from './flow.ts';
import type { Policy } from './policy.ts';
import { whyNot } from './why_not.ts';

/** What runs: the parts that stay, and what is in force. */
export interface Running {
  readonly inForce: { config: Config; policy: Policy };
  /** Policies that flows under way go by still. */
  readonly retired: Set<Policy>;
  readonly dns: DnsService | undefined;
  readonly flows: Flows;
  readonly redirect: Redirect;
  readonly plan: (policy: Policy) => RedirectPlan;
  readonly log: Log;
}

/**
 * Puts a new configuration in force, or keeps the old one and says why. Never rejects.
 * @param ending gives up the wait for names to be resolved
 */
export async function reloadInto(
  running: Running,
  read: () => Promise<Config>,
  ending: AbortSignal,
): Promise<void> {
  const { inForce, retired, dns, flows, redirect, plan, log } = running;
  let policy: Policy | undefined;
  let rules: DnsRules | undefined;
  try {
    const config = await read();
    policy = await unless(ending, buildPolicy(config, log));
    rules = dns && hasDns(config) ? await dns.build(config, policy) : undefined;
    await redirect.update(plan(policy));
    const old = inForce.policy;
    retired.add(old);
    old.retire();
    flows.use(policy, () => {
      retired.delete(old);
      void old.stop();
    });
    if (rules) dns?.use(rules);
    log.setLevel(config.logLevel);
    for (const key of fixedAtStart(inForce.config, config)) log.warn('needs a restart to change', { key });
    log.info('reloaded', { upstream: policy.upstreams.label, scope: config.scope });
    inForce.policy = policy;
    inForce.config = withFixed(inForce.config, config);
  } catch (error) {
    rules?.close();
    await policy?.stop();
    log.error('the new configuration was not taken; the old one stays in force', whyNot(error));
  }
}

/** Waits for `work`, unless the signal is aborted first. @throws the signal's reason then */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Keys that a reload cannot change while the listeners, the rules and the cache stay. */
export function fixedAtStart(running: Config, next: Config): string[] {
  const [was, will] = [running.dns, next.dns];
  return [
    ...(running.port === next.port ? [] : ['listen.port']),
    ...(running.redirect.gid === next.redirect.gid ? [] : ['redirect.gid']),
    ...(running.redirect.mechanism === next.redirect.mechanism ? [] : ['redirect.mechanism']),
    ...(running.redirect.ipv6Fallback === next.redirect.ipv6Fallback ? [] : ['redirect.ipv6-fallback']),
    ...(running.redirect.reloadPfConf === next.redirect.reloadPfConf ? [] : ['redirect.reload-pf-conf']),
    ...(running.maxConnections === next.maxConnections ? [] : ['max-connections']),
    ...((was === undefined) === (will === undefined) ? [] : ['dns']),
    ...(!was || !will || was.port === will.port ? [] : ['dns.port']),
    ...(!was || !will || Bun.deepEquals(was.cache, will.cache) ? [] : ['dns.cache']),
  ];
}

/** What is in force once a reload has taken what can be taken. */
function withFixed(running: Config, next: Config): Config {
  const { port, redirect, maxConnections, dns: was } = running;
  const dns = was && next.dns ? { ...next.dns, port: was.port, cache: was.cache } : was;
  return { ...next, port, redirect, maxConnections, dns };
}
