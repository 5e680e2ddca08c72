/** Runs a program whose pinned memory lies between margins, see guarded_memory.ts. */

const GUARD = new URL('guarded_memory.ts', import.meta.url).pathname;

export interface Guarded {
  readonly code: number;
  readonly stdout: string;
  /** Without the guard's last line. */
  readonly stderr: string;
  /** How many places were guarded. */
  readonly places: number;
}

/** @param argv a script, and its arguments */
export async function runGuarded(argv: readonly string[]): Promise<Guarded> {
  const child = Bun.spawn([process.execPath, '--preload', GUARD, ...argv], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, said, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const [, stderr = said, places] = /^(.*?)(\d+) places guarded\n$/s.exec(said) ?? [];
  return { code, stdout, stderr, places: Number(places ?? 0) };
}
