/** macOS: who listens on a TCP port of this machine, for the person who finds it taken. */
import { RunError, runNow, type RunNow } from '../base/runner.ts';

/**
 * `process 1234 (nginx)`, by lsof(8), which is a part of macOS.
 * @param run waited for, since the program is about to end with this as its last words
 * @returns undefined if it can't be told: nobody listens any more, or a process of another user does and we are not root
 */
export function portHolder(port: number, run: RunNow = runNow): string | undefined {
  try {
    // -n, -P: numbers stay numbers; +c 0: the whole name, not its first nine characters.
    return holderIn(run(['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '+c', '0', '-Fpc']).stdout);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** The first process in the output of `lsof -Fpc`: one field a line, its letter in front; p begins a process. */
export function holderIn(fields: string): string | undefined {
  let pid: string | undefined;
  for (const field of fields.split('\n')) {
    const [, letter, value] = /^(p(?=\d+$)|c(?=.))(.+)$/.exec(field) ?? [];
    if (letter === 'p') pid ??= value;
    else if (letter === 'c' && pid !== undefined) return `process ${pid} (${value})`;
  }
  return pid === undefined ? undefined : `process ${pid}`;
}
