/** Tests that need more than a plain user on a plain machine say so here; what is missing skips them, loudly. */
import { describe, test } from 'bun:test';

/** `root`; `linux`, for its /proc and its own calls; `macos`; or the name of a program that must be on the PATH. */
export type Need = 'root' | 'linux' | 'macos' | (string & {});

/** `describe`, or `describe.skip` with a line on stderr if a need is not met. */
export function describeNeeding(needs: readonly Need[], name: string, body: () => void): void {
  return isMet(needs, name) ? describe(name, body) : describe.skip(name, body);
}

/** The same for one test. */
export function testNeeding(needs: readonly Need[], name: string, body: () => void | Promise<void>): void {
  return isMet(needs, name) ? test(name, body) : test.skip(name, body);
}

function isMet(needs: readonly Need[], name: string): boolean {
  const missing = needs.filter((need) => !has(need));
  if (missing.length > 0) process.stderr.write(`SKIPPED: ${name}: needs ${missing.join(', ')}\n`);
  return missing.length === 0;
}

function has(need: Need): boolean {
  switch (need) {
    case 'root':
      return process.getuid?.() === 0;
    case 'linux':
      return process.platform === 'linux';
    case 'macos':
      return process.platform === 'darwin';
    default:
      return Bun.which(need) !== null;
  }
}
