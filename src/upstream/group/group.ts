/** Several upstreams that survive the death of any of them: in which order a connection tries which. */
import type { GroupConfig } from '../../config/config.ts';
import type { Endpoint } from '../../net/address.ts';
import type { Upstream, Upstreams } from '../upstream.ts';
import { createHealth, type Health } from './health.ts';
import { createOrder } from './order.ts';

export interface Member {
  /** Reports to the group. */
  readonly upstream: Upstream;
  readonly health: Health;
}

export interface Group extends Upstreams {
  readonly members: readonly Member[];
  /** When a connection last wanted one, by the clock given; -Infinity: none has. */
  readonly lastAsked: number;
  /** The machine may have come to another network: those that are down are tried again at once. */
  renew(): void;
}

export interface GroupOptions {
  readonly policy: GroupConfig['policy'];
  /** Whether those that are down are tried by probes, so that flows are spared that as long as one is up. */
  readonly isProbed: () => boolean;
  /** One came up, or went down. */
  readonly changed: (member: Member, others: readonly Member[]) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Milliseconds that connecting may take before the next is tried, and as long as nobody knows how long it takes. */
const LEAST_PATIENCE = 400;
const MOST_PATIENCE = 2_500;
const PATIENCE = 1_000;

/** Twice what it takes on average, and a bit: one that is far away must not be taken for dead. */
function patienceWith({ connecting }: Health): number {
  if (connecting === undefined) return PATIENCE;
  return Math.min(MOST_PATIENCE, Math.max(LEAST_PATIENCE, 2 * connecting + 300));
}

/** Whether one is due to be tried; its trial has begun then. */
function isTried(now: number, alone: boolean) {
  return ({ health }: Member): boolean => {
    if (!health.isDue(now, alone)) return false;
    health.beginTrial(now);
    return true;
  };
}

/** @param upstreams in order of preference, at least one */
export function createGroup(
  upstreams: readonly Upstream[],
  { policy, isProbed, changed, now }: GroupOptions,
): Group {
  const members = upstreams.map((upstream): Member => {
    const health = createHealth(now());
    const member = { health, upstream: watched(upstream, health) };
    function watched(inner: Upstream, known: Health): Upstream {
      return {
        ...inner,
        get patience() {
          return patienceWith(known);
        },
        get downSince() {
          return known.isUp ? undefined : known.since;
        },
        report(result) {
          inner.report(result);
          if (known.note(result, now(), isAlone(known))) changed(member, members);
        },
      };
    }
    return member;
  });
  const isAlone = (health: Health) => members.every((other) => other.health === health || !other.health.isUp);
  const standings = members.map(({ health }, index) => ({ index, health }));
  const order = createOrder(policy);
  let asked = -Infinity;

  return {
    label: `${upstreams.length} upstreams, ${policy}`,
    members,
    get lastAsked() {
      return asked;
    },
    renew() {
      for (const { health } of members) health.renew(now());
    },
    candidates(destination: Endpoint) {
      const up = standings.filter(({ health }) => health.isUp);
      const chosen = order(up, destination).map(({ index }) => members[index]!.upstream);
      asked = now();
      if (chosen.length === 0) return members.filter(isTried(asked, true)).map(({ upstream }) => upstream);
      const due = isProbed() ? undefined : members.find(isTried(asked, false));
      // First, or nobody would ever find out that it is back; if it is not, this one connection loses its patience.
      return due ? [due.upstream, ...chosen] : chosen;
    },
  };
}
