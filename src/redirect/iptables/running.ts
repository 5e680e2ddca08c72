/** Tells what a running snet holds from what a dead one left. */
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Does this process run, and the same program as we? A pid alone says little: it may be somebody else's by now.
 * @param proc where procfs is mounted
 */
export function isRunning(pid: number, proc = '/proc'): boolean {
  const program = programOf(pid, proc);
  return program !== undefined && program === programOf('self', proc);
}

/** The name of its executable; undefined if it has ended, even if nobody has asked for its exit code yet. */
function programOf(pid: number | 'self', proc: string): string | undefined {
  try {
    // The kernel's mark for a file that was replaced meanwhile, as by an upgrade.
    return basename(readlinkSync(`${proc}/${pid}/exe`).replace(/ \(deleted\)$/, ''));
  } catch {
    return undefined;
  }
}
