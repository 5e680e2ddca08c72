/** The upstreams of a configuration with those of its subscriptions behind them. */
import { explain, SnetError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Config, SubscriptionConfig, UpstreamConfig } from '../../config/config.ts';
import type { Subscription } from '../../config/subscription.ts';
import { fetchDocument, keptDocument, nameOf, SubscriptionError, type Keeping } from './document.ts';

/** No more lines than these are logged of what is wrong in one document. */
const SHOWN = 5;

/**
 * A document that is kept is used as it is, whatever its age; one that isn't there is fetched, which takes some seconds at
 * most. A subscription that can't be had is left out, so long as there is any upstream.
 * @throws SnetError what the first had against it, if there is none
 */
export async function withSubscriptions(
  { upstreams, subscriptions }: Pick<Config, 'upstreams' | 'subscriptions'>,
  keeping: Keeping,
  log: Log,
): Promise<readonly UpstreamConfig[]> {
  const settled = await Promise.allSettled(subscriptions.map((one) => documentOf(one, keeping)));
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

async function documentOf(one: SubscriptionConfig, keeping: Keeping): Promise<Subscription> {
  const kept = await keptDocument(one, keeping);
  if (kept) return kept;
  await fetchDocument(one, keeping);
  const fetched = await keptDocument(one, keeping);
  if (!fetched) throw new SubscriptionError('ERR_SUBSCRIPTION', `${nameOf(one)} could not be kept`);
  return fetched;
}

function sayOf(subscription: string, { upstreams, bad }: Subscription, log: Log): void {
  log.info('subscription', { subscription, upstreams: upstreams.length, leftOut: bad.length });
  for (const { number, reason } of bad.slice(0, SHOWN))
    log.warn('an entry of a subscription is left out', { subscription, number, reason });
}

/** For a log line. */
export function whyNot(error: unknown): { readonly status: string; readonly reason: string } {
  return { status: error instanceof SnetError ? error.status : 'ERR_INTERNAL', reason: explain(error) };
}
