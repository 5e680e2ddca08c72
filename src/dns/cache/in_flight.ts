/** What is being asked already is not asked again: whoever asks the same meanwhile waits for the same answer. */
import { SnetError } from '../../base/errors.ts';

export type InFlightStatus =
  /** More is being asked than there is room for. */
  'ERR_DNS_BUSY';

export class InFlightError extends SnetError<InFlightStatus> {}

export interface InFlight<Value> {
  /** How many wait, for whatever. */
  readonly waiting: number;
  /**
   * Starts it, unless it runs under this key already; then waits for that. A failure is everybody's: each waiter's
   * promise is rejected with the same error. When it has settled, the next call starts it anew.
   *
   * @returns a value of the caller's own
   * @throws InFlightError as a rejection, if too many wait; then it is not started
   */
  once(key: string, start: () => Promise<Value>): Promise<Value>;
}

interface Waiter<Value> {
  resolve(value: Value): void;
  reject(reason: unknown): void;
}

/**
 * @param copy makes of a value one that shares nothing with it that its owner may change
 * @param limit of those who wait, the starters among them
 */
export function createInFlight<Value>(copy: (value: Value) => Value, limit: number): InFlight<Value> {
  const running = new Map<string, Waiter<Value>[]>();
  let waiting = 0;

  /** @returns those who waited, who do so no longer */
  const end = (key: string): Waiter<Value>[] => {
    const waiters = running.get(key)!;
    running.delete(key);
    waiting -= waiters.length;
    return waiters;
  };

  const succeed = (key: string, value: Value) => {
    const [first, ...others] = end(key);
    // All copies are made before anyone gets hold of the value and changes it.
    const copies = others.map(() => copy(value));
    first!.resolve(value);
    others.forEach((waiter, i) => waiter.resolve(copies[i]!));
  };

  const fail = (key: string, reason: unknown) => {
    for (const waiter of end(key)) waiter.reject(reason);
  };

  return {
    get waiting() {
      return waiting;
    },
    once(key, start) {
      if (waiting >= limit)
        return Promise.reject(
          new InFlightError('ERR_DNS_BUSY', `${limit} queries wait for their answers already`),
        );
      const { promise, resolve, reject } = Promise.withResolvers<Value>();
      waiting++;
      const waiters = running.get(key);
      if (waiters) {
        waiters.push({ resolve, reject });
        return promise;
      }
      running.set(key, [{ resolve, reject }]);
      // Within a promise, so that a start that throws is a failure like any other.
      Promise.try(start).then(
        (value) => succeed(key, value),
        (reason: unknown) => fail(key, reason),
      );
      return promise;
    },
  };
}
