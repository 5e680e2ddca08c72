/** Counters of the data path, kept by plain additions; whoever wants to show them takes a snapshot. */

export interface FlowSnapshot {
  readonly accepted: number;
  readonly open: number;
  /** Payload bytes from clients, and to them. Counted when a flow ends. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Ended and refused flows by status word. */
  readonly ended: Readonly<Record<string, number>>;
}

export interface FlowStats {
  opened(): void;
  /** A connection that never became a flow. */
  refused(status: string): void;
  ended(status: string, bytesUp: number, bytesDown: number): void;
  snapshot(): FlowSnapshot;
}

export function createFlowStats(): FlowStats {
  let accepted = 0;
  let open = 0;
  let up = 0;
  let down = 0;
  const ended = new Map<string, number>();
  return {
    opened() {
      accepted++;
      open++;
    },
    refused(status) {
      accepted++;
      ended.set(status, (ended.get(status) ?? 0) + 1);
    },
    ended(status, bytesUp, bytesDown) {
      open--;
      up += bytesUp;
      down += bytesDown;
      ended.set(status, (ended.get(status) ?? 0) + 1);
    },
    snapshot: () => ({ accepted, open, bytesUp: up, bytesDown: down, ended: Object.fromEntries(ended) }),
  };
}
