/** Bounds how much is under way at once. */
import type { EndSignal } from './end.ts';
import { ExchangeError } from './exchange.ts';

/** Runs `work` once there is room for it. @throws ExchangeError ERR_DNS_TIMEOUT if `signal` ends the wait for room */
export type Gate = <T>(signal: EndSignal, work: () => Promise<T>) => Promise<T>;

/** @param room how many may be inside; the others wait in the order in which they came */
export function createGate(room: number): Gate {
  let inside = 0;
  const line = new Set<() => void>();

  const enter = (signal: EndSignal) =>
    new Promise<void>((resolve, reject) => {
      const admitted = () => {
        leave();
        resolve();
      };
      line.add(admitted);
      const leave = onAbort(signal, () => {
        line.delete(admitted);
        reject(timeout('too many queries were before it', signal));
      });
    });

  return async (signal, work) => {
    if (inside < room) inside++;
    else await enter(signal);
    try {
      return await work();
    } finally {
      // The place goes to the next in line; nobody else can take it in between.
      const [next] = line;
      if (next) {
        line.delete(next);
        next();
      } else inside--;
    }
  };
}

/** Calls `then` once, when the signal is aborted, or now if it is. @returns what takes the listener away */
export function onAbort(signal: EndSignal, then: () => void): () => void {
  if (signal.aborted) then();
  else signal.addEventListener('abort', then, { once: true });
  return () => signal.removeEventListener('abort', then);
}

/** The error of a wait that the caller's signal has ended. */
export function timeout(what: string, signal: EndSignal): ExchangeError {
  return new ExchangeError('ERR_DNS_TIMEOUT', what, { cause: signal.reason });
}
