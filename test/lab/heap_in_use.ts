import { heapStats } from 'bun:jsc';

/**
 * What this process's objects take, and what hangs on them outside the heap, which the engine counts in; in bytes,
 * garbage aside.
 */
export function heapInUse(): number {
  Bun.gc(true);
  return heapStats().heapSize;
}
