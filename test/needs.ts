/** Tests that need more than a plain user on a plain machine say so here; what is missing skips them, loudly. */
import { describe } from 'bun:test';

/** `root`, or the name of a program that must be on the PATH. */
export type Need = 'root' | (string & {});

/** `describe`, or `describe.skip` with a line on stderr if a need is not met. */
export function describeNeeding(needs: readonly Need[], name: string, body: () => void): void {
  const missing = needs.filter((need) =>
    need === 'root' ? process.getuid?.() !== 0 : Bun.which(need) === null,
  );
  if (missing.length === 0) return describe(name, body);
  process.stderr.write(`SKIPPED: ${name}: needs ${missing.join(', ')}\n`);
  return describe.skip(name, body);
}
