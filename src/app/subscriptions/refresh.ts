/** Fetches subscriptions again and again while snet runs. What can't be fetched, or is none, changes nothing. */
import { realClock, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { SubscriptionConfig } from '../../config/config.ts';
import { whyNot } from '../why_not.ts';
import { nameOf } from './kept.ts';

/** Milliseconds from the start to the first fetch: what was used then may be old. */
const FIRST = 5_000;
/** After a failure, milliseconds to the next one. */
const AGAIN = 5 * 60_000;

export interface RefreshOptions {
  /** Fetches one, and keeps what came. */
  readonly renew: (one: SubscriptionConfig) => Promise<void>;
  /** That was done. */
  readonly renewed: () => void;
  readonly log: Log;
  readonly clock?: Clock;
}

export function refreshSubscriptions(
  subscriptions: readonly SubscriptionConfig[],
  { renew, renewed, log, clock = realClock }: RefreshOptions,
): { stop(): void } {
  const cancels = new Map<SubscriptionConfig, () => void>();
  let isStopped = false;

  function fetchAfter(one: SubscriptionConfig, milliseconds: number): void {
    if (isStopped) return;
    const cancel = clock.after(milliseconds, () => void refresh(one));
    cancels.set(one, cancel);
  }

  async function refresh(one: SubscriptionConfig): Promise<void> {
    let next = one.refresh;
    try {
      await renew(one);
      log.debug('subscription fetched', { subscription: nameOf(one) });
      if (!isStopped) renewed();
    } catch (error) {
      next = Math.min(AGAIN, one.refresh);
      log.warn('a subscription could not be refreshed; the last good one stays', {
        subscription: nameOf(one),
        ...whyNot(error),
      });
    }
    fetchAfter(one, next);
  }

  for (const one of subscriptions) fetchAfter(one, FIRST);
  return {
    stop() {
      isStopped = true;
      for (const cancel of cancels.values()) cancel();
    },
  };
}
