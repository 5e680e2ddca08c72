/**
 * Getting rid of what questions leave behind. Each that was asked leaves some 15 kB of garbage, and the collector, which
 * takes the cache's memory for a sign that this program is a large one, lets more than 100 MiB of it gather. It works beside
 * the program, too, and spares what comes meanwhile. Asked for by name it does all, and at once.
 */

/** So many leave some 30 MiB. A collection takes 20 to 50 ms under such load, for which nobody is answered. */
const MOST = 2_000;

/** Fewer are left to the collector, which sees to them at its leisure. */
const WORTH_IT = 300;

/** It is quiet when no more than so many are asked within so many milliseconds. */
const FEW = 30;
const LOOK = 1_000;

/** @returns to be called for each question that was asked of a resolver */
export function createTidying(collect = () => Bun.gc(true)): () => void {
  let since = 0;
  let isLooking = false;

  const tidy = () => {
    since = 0;
    collect();
  };
  const look = () => {
    isLooking = true;
    const before = since;
    const timer = setTimeout(() => {
      isLooking = false;
      if (since < WORTH_IT) return;
      if (since <= before + FEW) tidy();
      else look();
    }, LOOK);
    // It is nothing to stay for.
    timer.unref();
  };

  return () => {
    since++;
    if (since >= MOST) tidy();
    else if (since >= WORTH_IT && !isLooking) look();
  };
}
