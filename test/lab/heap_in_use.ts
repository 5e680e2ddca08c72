import { heapStats } from 'bun:jsc';

/** What this process's objects take, and what hangs on them outside the heap; in bytes, garbage aside. */
export function heapInUse(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}
