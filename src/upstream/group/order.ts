/** Which upstream of several a new connection is tried with first. Pure. */
import { hashBytes } from '../../base/hash.ts';
import type { GroupConfig } from '../../config/config.ts';
import type { Endpoint } from '../../net/address.ts';
import type { Health } from './health.ts';

/** What is up, by its place in the configuration. */
export interface Standing {
  readonly index: number;
  readonly health: Pick<Health, 'opening' | 'probing' | 'failureRate'>;
}

export type Order = (standings: readonly Standing[], destination: Endpoint) => readonly Standing[];

/** Another has to be faster by this share before it takes the place of the fastest so far. */
const CLEARLY_FASTER = 0.8;

/** Orders for one policy; what it has to remember from one connection to the next is its own. */
export function createOrder(policy: GroupConfig['policy']): Order {
  return ORDERS[policy]();
}

function inTurn(): Order {
  let turn = 0;
  return (standings) => {
    const first = turn++ % Math.max(1, standings.length);
    return [...standings.slice(first), ...standings.slice(0, first)];
  };
}

function fastestFirst(): Order {
  let best: number | undefined;
  return (standings) => {
    // The two are not to be compared with each other.
    const by = standings.every(({ health }) => health.probing !== undefined) ? 'probing' : 'opening';
    const score = (standing: Standing) => costOf(standing, by);
    const sorted = [...standings].sort((a, b) => score(a) - score(b));
    const kept = sorted.find(({ index }) => index === best);
    // Two that are about as fast would take turns otherwise.
    if (kept && score(sorted[0]!) > CLEARLY_FASTER * score(kept))
      return [kept, ...sorted.filter((one) => one !== kept)];
    best = sorted[0]?.index;
    return sorted;
  };
}

/** Milliseconds that it costs on average, failures included. What was never measured is tried, to be. */
function costOf({ health }: Standing, by: 'probing' | 'opening'): number {
  return (health[by] ?? 0) * (1 + 10 * health.failureRate);
}

/**
 * The same destination takes the same upstream as long as that is up, whatever becomes of the others: rendezvous
 * hashing (Thaler and Ravishankar, 1998). By address, since one site's ports belong together.
 */
const byDestination: Order = (standings, { address }) => {
  const weights = new Map(standings.map(({ index }) => [index, hashBytes(address.bytes, index + 1)]));
  return [...standings].sort((a, b) => weights.get(b.index)! - weights.get(a.index)!);
};

const ORDERS: Readonly<Record<GroupConfig['policy'], () => Order>> = {
  failover: () => (standings) => standings,
  'round-robin': inTurn,
  fastest: fastestFirst,
  sticky: () => byDestination,
};
