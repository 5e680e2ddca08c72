/** Signals as values, in the order in which they came: none is lost while one is being acted on. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const;
export type Signal = (typeof SIGNALS)[number];

/** From here on the signals don't kill the process. */
export function watchSignals(): { next(): Promise<Signal>; stop(): void } {
  const waiting: Signal[] = [];
  let wake: (() => void) | undefined;
  const on = (signal: Signal) => {
    waiting.push(signal);
    wake?.();
  };
  for (const signal of SIGNALS) process.on(signal, on);
  return {
    async next() {
      while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return waiting.shift()!;
    },
    stop() {
      for (const signal of SIGNALS) process.off(signal, on);
    },
  };
}
