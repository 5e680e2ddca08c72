/** Signals as values, in the order in which they came: none is lost while one is being acted on. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const;
/** What stands in the row with signals: a subscription was fetched. */
export const REFRESHED = 'REFRESHED';
export type Signal = (typeof SIGNALS)[number] | typeof REFRESHED;

export interface Signals {
  next(): Promise<Signal>;
  /** Aborted as soon as a signal has come that is not SIGHUP: what takes long need not be finished. */
  readonly ending: AbortSignal;
  /** Puts {@link REFRESHED} in the row. */
  refreshed(): void;
  stop(): void;
}

/** From here on the signals don't kill the process. */
export function watchSignals(): Signals {
  const ending = new AbortController();
  const waiting: Signal[] = [];
  let wake: (() => void) | undefined;
  const on = (signal: Signal) => {
    waiting.push(signal);
    if (signal !== 'SIGHUP' && signal !== REFRESHED) ending.abort(new Error(`${signal} came`));
    wake?.();
  };
  for (const signal of SIGNALS) process.on(signal, on);
  return {
    ending: ending.signal,
    async next() {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return waiting.shift()!;
    },
    refreshed: () => on(REFRESHED),
    stop() {
      for (const signal of SIGNALS) process.off(signal, on);
    },
  };
}
