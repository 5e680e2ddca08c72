/**
 * The machine has come to another network, or woken up: what was learnt of the old one is forgotten, and what hangs on it is
 * let go, so that programs can go on at once. All of it is harmless where nothing has changed.
 */
import { askLocalAddresses, type HasAddress } from '../net/local_addresses.ts';
import type { Running } from './reload.ts';
import { whyNot } from './why_not.ts';

export interface NetworkChanges {
  /** After what is under way: nothing is done any more. */
  stop(): Promise<void>;
}

/** What of the running program has to do with the network. */
export type OnNetwork = Pick<Running, 'inForce' | 'retired' | 'dns' | 'flows' | 'redirect' | 'log'>;

/**
 * Acts on changes, one after the other; those that come meanwhile are acted on together.
 * @param watch calls back with what has happened, in words
 */
export function followNetwork(
  running: OnNetwork,
  watch: (changed: (what: string) => void) => { stop(): void },
  addresses: () => HasAddress = askLocalAddresses,
): NetworkChanges {
  const waiting = new Set<string>();
  let work: Promise<void> | undefined;
  let isStopped = false;

  async function workOff(): Promise<void> {
    while (waiting.size > 0) {
      const what = [...waiting].join(', ');
      waiting.clear();
      try {
        await settleIn(running, what, addresses());
      } catch (error) {
        running.log.error('not all of a new network could be taken in', whyNot(error));
      }
    }
    work = undefined;
  }

  const watching = watch((what) => {
    if (isStopped) return;
    waiting.add(what);
    work ??= workOff();
  });
  return {
    async stop() {
      isStopped = true;
      waiting.clear();
      watching.stop();
      await work;
    },
  };
}

async function settleIn(
  { inForce, retired, dns, flows, redirect, log }: OnNetwork,
  what: string,
  hasAddress: HasAddress,
): Promise<void> {
  // First, so that what they end with counts for nothing.
  for (const policy of [inForce.policy, ...retired]) policy.renew(hasAddress);
  const reset = flows.leaveGone(hasAddress);
  log.info('the network may have changed', { what, reset });
  await Promise.all([dns?.renew(), redirect.verify?.()]);
}
