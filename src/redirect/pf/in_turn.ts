/** One after the other, in the order in which they were asked for. */

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** @returns what begins a piece of work when all earlier ones have ended, in whatever way */
export function takingTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };
}
