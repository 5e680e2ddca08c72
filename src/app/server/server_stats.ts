/** Counters of the far end: of all connections, and of each user's. */
import { createFlowStats, type FlowSnapshot, type FlowStats } from '../../stats/flow_stats.ts';

export interface ServerSnapshot {
  /** With those of strangers, by how their visits ended. */
  readonly all: FlowSnapshot;
  readonly users: Readonly<Record<string, FlowSnapshot>>;
}

export interface ServerStats {
  /** A connection that never became a flow. */
  refused(status: string): void;
  /** They are shown also while they have no connection. */
  expect(users: Iterable<string>): void;
  opened(user: string): void;
  ended(user: string, status: string, bytesUp: number, bytesDown: number): void;
  snapshot(): ServerSnapshot;
}

export function createServerStats(): ServerStats {
  const all = createFlowStats();
  const byUser = new Map<string, FlowStats>();
  const of = (user: string): FlowStats => {
    let stats = byUser.get(user);
    if (!stats) byUser.set(user, (stats = createFlowStats()));
    return stats;
  };
  return {
    refused: (status) => all.refused(status),
    expect: (users) => [...users].forEach(of),
    opened(user) {
      all.opened();
      of(user).opened();
    },
    ended(user, status, bytesUp, bytesDown) {
      all.ended(status, bytesUp, bytesDown);
      of(user).ended(status, bytesUp, bytesDown);
    },
    snapshot: () => ({
      all: all.snapshot(),
      users: Object.fromEntries([...byUser].map(([user, stats]) => [user, stats.snapshot()])),
    }),
  };
}
