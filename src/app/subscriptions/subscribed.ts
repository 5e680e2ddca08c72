/** The upstreams of a configuration with those of its subscriptions behind them. */
import type { Log } from '../../base/log.ts';
import { Secret } from '../../base/secret.ts';
import type { Config, SubscriptionConfig, UpstreamConfig } from '../../config/config.ts';
import type { Subscription } from '../../config/subscription.ts';
import { whyNot } from '../why_not.ts';
import { fetchDocument } from './fetch.ts';
import { keepDocument, keptDocument, nameOf, type Keeping } from './kept.ts';

type Sources = Pick<Config, 'upstreams' | 'subscriptions'>;

/** No more lines than these are logged of what is wrong in one document. */
const SHOWN = 5;

/**
 * A document that is kept is used as it is, whatever its age; one that isn't there is fetched, which takes some seconds at
 * most. A subscription that can't be had is left out, so long as there is any upstream.
 * @throws SnetError what the first had against it, if there is none
 */
export async function withSubscriptions(
  { upstreams, subscriptions }: Sources,
  keeping: Keeping,
  log: Log,
): Promise<readonly UpstreamConfig[]> {
  const settled = await Promise.allSettled(subscriptions.map((one) => documentOf(one, keeping, log)));
  const all = [...upstreams];
  let first: unknown;
  for (const [i, outcome] of settled.entries()) {
    const name = nameOf(subscriptions[i]!);
    if (outcome.status === 'fulfilled') {
      all.push(...outcome.value.upstreams);
      sayOf(name, outcome.value, log);
    } else {
      first ??= outcome.reason;
      log.error('a subscription is left out', { subscription: name, ...whyNot(outcome.reason) });
    }
  }
  if (all.length === 0) throw first;
  return all;
}

/** The same by what is kept alone. Never rejects. */
export async function withKept(
  { upstreams, subscriptions }: Sources,
  keeping: Keeping,
): Promise<readonly UpstreamConfig[]> {
  const kept = await Promise.all(subscriptions.map((one) => keptDocument(one, keeping)));
  return [...upstreams, ...kept.flatMap((document) => document?.upstreams ?? [])];
}

/** Whether two lists of upstreams are the same in all, their secrets too. */
export function sameUpstreams(one: readonly UpstreamConfig[], other: readonly UpstreamConfig[]): boolean {
  return revealing(one) === revealing(other);
}

function revealing(upstreams: readonly UpstreamConfig[]): string {
  return JSON.stringify(upstreams, function (this: Record<string, unknown>, key, value: unknown) {
    // By itself a secret gives no more than that it is one.
    const written = this[key];
    return written instanceof Secret ? written.reveal() : value;
  });
}

async function documentOf(one: SubscriptionConfig, keeping: Keeping, log: Log): Promise<Subscription> {
  const kept = await keptDocument(one, keeping);
  if (kept) return kept;
  const { text, subscription } = await fetchDocument(one, keeping);
  try {
    await keepDocument(one, text, keeping);
  } catch (error) {
    log.warn('a subscription will have to be fetched again', whyNot(error));
  }
  return subscription;
}

function sayOf(subscription: string, { upstreams, bad }: Subscription, log: Log): void {
  log.info('subscription', { subscription, upstreams: upstreams.length, leftOut: bad.length });
  for (const { number, reason } of bad.slice(0, SHOWN))
    log.warn('an entry of a subscription is left out', { subscription, number, reason });
}
