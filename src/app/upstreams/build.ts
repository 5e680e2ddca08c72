/** From the configuration's upstreams to what flows are tried with: names resolved, keys derived, a group where there are several. */
import type { Config, UpstreamConfig } from '../../config/config.ts';
import { checkFilesOf } from '../../config/named_files.ts';
import { createGroup, type Member } from '../../upstream/group/group.ts';
import { watchSilence, type Silence } from '../../upstream/silence.ts';
import { single } from '../../upstream/single.ts';
import { ResolveError } from '../../upstream/server_address.ts';
import type { HasAddress } from '../../net/local_addresses.ts';
import type { Upstream, Upstreams } from '../../upstream/upstream.ts';
import { startProbes, type Probes } from '../probes.ts';
import { whyNot } from '../why_not.ts';
import { buildUpstream, labelOf, type BuiltUpstream, type Surroundings } from './one.ts';

export interface BuiltUpstreams {
  readonly upstreams: Upstreams;
  status(): readonly UpstreamStatus[];
  /** No new connection goes through them: nobody need know how they do. */
  retire(): void;
  /** The machine may have come to another network. Harmless if it has not. */
  renew(hasAddress: HasAddress): void;
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
  /** Of a chain: at which server. */
  readonly lastHop?: string | undefined;
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
  const renew = (hasAddress: HasAddress) => {
    for (const one of built) one.renew(hasAddress);
  };
  const stop = async () => void (await Promise.all(built.map((one) => one.stop())));
  if (upstreams.length === 1) {
    const [only] = upstreams as [Upstream];
    return { upstreams: single(only), status: () => [{ label: only.label }], retire() {}, renew, stop };
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
    retire: () => probes?.stop(),
    renew(hasAddress) {
      renew(hasAddress);
      members.renew();
      probes?.renew();
    },
    async stop() {
      probes?.stop();
      await stop();
    },
  };
}

/** One that can't be built, or can't be used yet, is left out, so long as there is another. */
async function buildAll(
  configs: readonly UpstreamConfig[],
  around: Surroundings,
): Promise<readonly BuiltUpstream[]> {
  const begun = await Promise.all(configs.map((one) => begin(one, around)));
  const built = begun.flatMap((one) => (one.built ? [one.built] : []));
  try {
    await firstOf(begun.map(({ ready }) => ready));
  } catch (error) {
    await Promise.all(built.map((one) => one.stop()));
    if (configs.length > 1) await sayOfAll(configs, begun, around);
    throw error;
  }
  // One whose name takes long keeps nobody waiting.
  const states = await Promise.all(begun.map(({ ready }) => stateWithin(PATIENCE, ready)));
  const left: BuiltUpstream[] = [];
  for (const [i, { built: one, ready }] of begun.entries()) {
    const state = states[i]!;
    const say = (error: unknown) => sayWhyNot(configs[i]!, error, around);
    if (one && (state === 'ready' || state === 'pending' || state instanceof ResolveError)) left.push(one);
    else await one?.stop();
    if (state === 'pending') ready.catch(say);
    else if (state !== 'ready') say(state);
  }
  return left;
}

/** Milliseconds that a name may take to be resolved while others are there. */
const PATIENCE = 3_000;

async function begin(one: UpstreamConfig, around: Surroundings) {
  try {
    await checkFilesOf(one);
    const built = buildUpstream(one, around);
    // It may be lost before all others have begun.
    built.ready.catch(() => {});
    return { built, ready: built.ready };
  } catch (error) {
    const ready = Promise.reject<void>(error);
    ready.catch(() => {});
    return { built: undefined, ready };
  }
}

/** @throws what the first of them rejects with, if all do */
function firstOf(all: readonly Promise<void>[]): Promise<void> {
  return Promise.any(all).catch(() => all[0]!);
}

/** @returns 'ready', 'pending' after the time, or what it rejects with */
function stateWithin(milliseconds: number, ready: Promise<void>): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => resolve('pending'), milliseconds);
  ready.then(() => resolve('ready'), resolve);
  return promise.finally(() => clearTimeout(timer));
}

/** Whoever hears of the first alone would mend that one, to hear of the next. */
async function sayOfAll(
  configs: readonly UpstreamConfig[],
  begun: readonly { readonly ready: Promise<void> }[],
  { log }: Surroundings,
): Promise<void> {
  const outcomes = await Promise.allSettled(begun.map(({ ready }) => ready));
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    const { status, ...why } = whyNot(outcome.reason);
    log.error('an upstream cannot be used', { status, upstream: labelOf(configs[i]!), ...why });
  }
}

function sayWhyNot(one: UpstreamConfig, error: unknown, { log }: Surroundings): void {
  const { status, ...why } = whyNot(error);
  const fields = { status, upstream: labelOf(one), ...why };
  if (error instanceof ResolveError) log.error('an upstream has no address yet; the others go on', fields);
  else log.error('an upstream is left out; the others go on', fields);
}

function sayThat({ log }: Surroundings) {
  return ({ label, suspects }: Upstream, { flows }: Silence) =>
    log.warn('the upstream gives no answer: wrong password or method?', {
      status: 'ERR_UPSTREAM_SILENT',
      upstream: label,
      hop: suspects,
      flows,
    });
}

function sayChange({ log }: Surroundings, { upstream, health }: Member, all: readonly Member[]): void {
  const left = all.filter((member) => member.health.isUp).length;
  const fields = { upstream: upstream.label, up: `${left} of ${all.length}` };
  const why = { status: health.lastFailure, hop: hopOf(upstream, health) };
  if (health.isUp) log.info('an upstream is back', fields);
  else if (left > 0) log.warn('an upstream is down; others are used', { ...why, ...fields });
  else log.error('the last upstream is down: connections fail', { ...why, ...fields });
}

/** Of a chain: who failed, or who may have. */
function hopOf({ suspects }: Upstream, { lastFailure, lastHop }: Member['health']): string | undefined {
  return lastHop ?? (lastFailure === 'ERR_UPSTREAM_SILENT' ? suspects : undefined);
}

function statusOf({ upstream, health }: Member, now: number): UpstreamStatus {
  const { isUp, latency, failureRate, lastFailure, since } = health;
  return {
    label: upstream.label,
    isUp,
    latency: latency === undefined ? undefined : Math.round(latency),
    failureRate: Math.round(failureRate * 100) / 100,
    lastFailure,
    lastHop: hopOf(upstream, health),
    since: Math.round((now - since) / 1000),
  };
}
