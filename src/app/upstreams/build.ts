/** From the configuration's upstreams to what flows are tried with: names resolved, keys derived, a group where there are several. */
import { explain, SnetError } from '../../base/errors.ts';
import type { Config, UpstreamConfig } from '../../config/config.ts';
import { createGroup, type Member } from '../../upstream/group/group.ts';
import { watchSilence } from '../../upstream/silence.ts';
import { single } from '../../upstream/single.ts';
import type { Upstream, Upstreams } from '../../upstream/upstream.ts';
import { startProbes, type Probes } from '../probes.ts';
import { buildUpstream, labelOf, type BuiltUpstream, type Surroundings } from './one.ts';

export interface BuiltUpstreams {
  readonly upstreams: Upstreams;
  status(): readonly UpstreamStatus[];
  /** Ends what keeps them going: refreshing of addresses, probes, plugins. */
  stop(): Promise<void>;
}

/** How one upstream does, for people. */
export interface UpstreamStatus {
  readonly label: string;
  /** undefined: there is but one, and nobody counts. */
  readonly isUp?: boolean;
  /** Milliseconds, a moving average. */
  readonly latency?: number | undefined;
  /** Of the last attempts, 0 to 1. */
  readonly failureRate?: number;
  readonly lastFailure?: string | undefined;
  /** Seconds since it came up or went down. */
  readonly since?: number;
}

/** @throws SnetError what the first had against it, if none can be built */
export async function buildUpstreams(
  configs: readonly UpstreamConfig[],
  group: Config['group'],
  around: Surroundings,
): Promise<BuiltUpstreams> {
  const built = await buildAll(configs, around);
  const upstreams = built.map(({ upstream }) => watchSilence(upstream, sayThat(around)));
  const stop = async () => void (await Promise.all(built.map((one) => one.stop())));
  if (upstreams.length === 1) {
    const [only] = upstreams as [Upstream];
    return { upstreams: single(only), status: () => [{ label: only.label }], stop };
  }

  const now = () => performance.now();
  let probes: Probes | undefined;
  const members = createGroup(upstreams, {
    policy: group.policy,
    isProbed: () => probes?.work() ?? false,
    changed: (member, all) => sayChange(around, member, all),
    now,
  });
  probes = group.probe && startProbes(members, group.probe);
  return {
    upstreams: members,
    status: () => members.members.map((member) => statusOf(member, now())),
    async stop() {
      probes?.stop();
      await stop();
    },
  };
}

/** One that can't be built is left out, so long as there is another. */
async function buildAll(
  configs: readonly UpstreamConfig[],
  around: Surroundings,
): Promise<readonly BuiltUpstream[]> {
  const settled = await Promise.allSettled(configs.map((one) => buildUpstream(one, around)));
  const built = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (built.length === 0) throw (settled[0] as PromiseRejectedResult).reason;
  for (const [i, one] of settled.entries()) {
    if (one.status === 'fulfilled') continue;
    const error: unknown = one.reason;
    around.log.error('an upstream is left out; the others go on', {
      status: error instanceof SnetError ? error.status : 'ERR_INTERNAL',
      upstream: labelOf(configs[i]!),
      reason: explain(error),
    });
  }
  return built;
}

function sayThat({ log }: Surroundings) {
  return ({ label }: Upstream, flows: number) =>
    log.warn('the upstream gives no answer: wrong password or method?', {
      status: 'ERR_UPSTREAM_SILENT',
      upstream: label,
      flows,
    });
}

function sayChange({ log }: Surroundings, { upstream, health }: Member, all: readonly Member[]): void {
  const left = all.filter((member) => member.health.isUp).length;
  const fields = { upstream: upstream.label, up: `${left} of ${all.length}` };
  if (health.isUp) log.info('an upstream is back', fields);
  else if (left > 0)
    log.warn('an upstream is down; others are used', { status: health.lastFailure, ...fields });
  else log.error('the last upstream is down: connections fail', { status: health.lastFailure, ...fields });
}

function statusOf({ upstream, health }: Member, now: number): UpstreamStatus {
  const { isUp, latency, failureRate, lastFailure, since } = health;
  return {
    label: upstream.label,
    isUp,
    latency: latency === undefined ? undefined : Math.round(latency),
    failureRate: Math.round(failureRate * 100) / 100,
    lastFailure,
    since: Math.round((now - since) / 1000),
  };
}
