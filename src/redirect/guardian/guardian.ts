/**
 * The guardian: a child of the proxy that outlives it if need be, and then takes out its rules. The kernel closes the
 * pipe on its stdin when the proxy ends, in whatever way; nothing else is needed to notice.
 *
 *     proxy → guardian   `guard PID`   whose rules these are
 *     guardian → proxy   `ready`       from here on they are safe
 *     proxy → guardian   `done`        they are out already: end
 *
 * It knows no configuration, and asks neither environment, current directory nor network.
 */
import { writeSync } from 'node:fs';

/** The first argument that makes this program the guardian. */
export const GUARDIAN_ARG = '__guardian';

export const READY = 'ready\n';
export const DONE = 'done\n';
export const guardOrder = (owner: number): string => `guard ${owner}\n`;

/** Whoever stops everything must stop the proxy; the guardian ends after it, by itself. */
const IGNORED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * @param undoAfter takes out the rules of a process that has ended
 * @returns the exit code, 0. @throws RedirectError if rules could not be taken out
 */
export async function runGuardian(undoAfter: (owner: number) => Promise<void>): Promise<number> {
  for (const signal of IGNORED) process.on(signal, () => {});
  const owner = await watch();
  if (owner !== undefined) await undoAfter(owner);
  return 0;
}

/** Waits for the end of the proxy. @returns whose rules to take out; undefined if there is nothing to do */
async function watch(): Promise<number | undefined> {
  const decoder = new TextDecoder();
  let told = '';
  let owner: number | undefined;
  try {
    for await (const bytes of Bun.stdin.stream()) {
      told += decoder.decode(bytes, { stream: true });
      if (told.endsWith(`\n${DONE}`)) return undefined;
      const order = /^guard (\d+)\n/.exec(told);
      if (owner === undefined && order) {
        owner = Number(order[1]);
        answer(READY);
      }
    }
  } catch {
    // The pipe broke: the same as its end.
  }
  return owner;
}

/** Not by process.stdout, whose errors end the program: if nobody listens any more, there is work to do. */
function answer(text: string): void {
  try {
    writeSync(1, text);
  } catch {
    // The end of stdin will tell why.
  }
}
