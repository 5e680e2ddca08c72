/** Waiting for what must come but says not when: asked for again and again, for as long as a loaded machine may need. */

const PATIENCE_MS = 10_000;
const PAUSE_MS = 20;

/**
 * @param probe its first result that is neither undefined nor false ends the wait; what it throws ends it as well
 * @throws Error naming `what` if patience ends first
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await probe();
    if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await Bun.sleep(PAUSE_MS);
  }
}
