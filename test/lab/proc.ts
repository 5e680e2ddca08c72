/** What the system says of a process: proc(5), where it isn't said otherwise. */
import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}

/** Whether a process runs no more, even if nobody has asked for its exit code yet. */
export function hasEnded(pid: number): boolean {
  if (process.platform !== 'linux') {
    // ps(1) of POSIX; nothing for a process that is not there.
    const state = Bun.spawnSync(['ps', '-o', 'state=', '-p', String(pid)])
      .stdout.toString()
      .trim();
    return state === '' || state.startsWith('Z');
  }
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

/** Resident memory in KiB. */
export function residentKiB(pid: number): number {
  const [, text] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Number(text);
}

/** How far a process has read one of its open files, in bytes. */
export function filePosition(pid: number, fd: number): number {
  return Number(/^pos:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))![1]);
}

/** Waits until a figure has stayed the same for a second. @returns it */
export async function settled(what: string, figure: () => number | Promise<number>): Promise<number> {
  let last = Number.NaN;
  let since = performance.now();
  return eventually(`${what} to settle`, async () => {
    const next = await figure();
    if (next !== last) [last, since] = [next, performance.now()];
    return performance.now() - since > 1_000 ? last : undefined;
  });
}
