/**
 * The demo's child processes are this same executable under another first argument. None is for people.
 * Each says `ready` on stdout when it is, and ends when its stdin does: so none outlives a demo that was killed.
 */
import { DemoError } from './errors.ts';
import { print } from './print.ts';

/** First argument of a child: `snet DEMO_ARG ROLE ...`. */
export const DEMO_ARG = '__demo';

/** What proxy and server speak. */
export const METHOD = 'aes-256-gcm';

/** Line on stdout of a child that serves. */
export const READY = 'ready';

export type Role = 'origin' | 'server' | 'fetch';

/**
 * Runs a child's part to its end.
 * @param argv what follows {@link DEMO_ARG}
 * @returns its exit code
 */
export async function runDemoRole(argv: readonly string[]): Promise<number> {
  const [role = '', ...rest] = argv;
  switch (role) {
    case 'origin':
      await (await import('./origin.ts')).startOrigin((line) => void print(line));
      return untilStdinEnds();
    case 'server': {
      const [password, port] = rest;
      const { startFarEnd } = await import('./far_end.ts');
      startFarEnd({
        method: METHOD,
        password: password ?? '',
        port: Number(port),
        log: (line) => void print(line),
      });
      return untilStdinEnds();
    }
    case 'fetch':
      await (await import('./fetcher.ts')).fetchAll(rest, print);
      return 0;
    default:
      throw new DemoError('ERR_DEMO_ROLE', `the demo has no part called "${role}"`, {
        hint: 'run `snet demo`',
      });
  }
}

/** Says that the part is ready, and waits. */
async function untilStdinEnds(): Promise<number> {
  await print(READY);
  const reader = Bun.stdin.stream().getReader();
  while (!(await reader.read()).done);
  return 0;
}
