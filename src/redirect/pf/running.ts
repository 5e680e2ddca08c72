/** Tells what a running snet holds from what a dead one left, where there is no /proc. */
import { basename } from 'node:path';
import { RunError, type Runner } from '../../base/runner.ts';

/** Does this process run, and the same program as we? A pid alone says little: it may be somebody else's by now. */
export async function isRunning(runner: Runner, pid: number): Promise<boolean> {
  const program = await programOf(runner, pid);
  return program !== undefined && program === (await programOf(runner, process.pid));
}

/** The name of its executable; undefined if there is no such process, or only its exit code is left. */
async function programOf(runner: Runner, pid: number): Promise<string | undefined> {
  try {
    const { code, stdout } = await runner.run(['ps', '-o', 'comm=', '-p', String(pid)]);
    const program = stdout.trim();
    // ps(1) puts the name of a zombie in parentheses.
    return code !== 0 || program === '' || program.startsWith('(') ? undefined : basename(program);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}
