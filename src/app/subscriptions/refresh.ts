/** Fetches subscriptions again and again while snet runs. What can't be fetched, or is none, changes nothing. */
import { realClock, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { SubscriptionConfig } from '../../config/config.ts';
import { fetchDocument, nameOf, type Keeping } from './document.ts';
import { whyNot } from './subscribed.ts';

/** Milliseconds from the start to the first fetch: what was used then may be old. */
const FIRST = 5_000;
/** After a failure, milliseconds to the next one. */
const AGAIN = 5 * 60_000;

/** @param changed a document says something new */
export function refreshSubscriptions(
  subscriptions: readonly SubscriptionConfig[],
  keeping: Keeping,
  log: Log,
  changed: () => void,
  clock: Clock = realClock,
): { stop(): void } {
  const cancels = new Map<SubscriptionConfig, () => void>();
  let isStopped = false;

  function fetchAfter(one: SubscriptionConfig, milliseconds: number): void {
    if (isStopped) return;
    cancels.set(
      one,
      clock.after(milliseconds, () => void refresh(one)),
    );
  }

  async function refresh(one: SubscriptionConfig): Promise<void> {
    let next = one.refresh;
    try {
      const isNew = await fetchDocument(one, keeping);
      log.debug('subscription fetched', { subscription: nameOf(one), new: isNew });
      if (isNew && !isStopped) changed();
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
