/** The proxy's side of the guardian: starts it, and another one if it dies. */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { selfArgv, type Child, type Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import { DONE, GUARDIAN_ARG, guardOrder, READY } from './guardian.ts';

export interface Post {
  /** The rules are out: the guardian ends, without having done anything. Returns when it has. */
  relieve(): Promise<void>;
}

/** Milliseconds for a guardian to get ready, or to end; it takes some tens of them. */
const PATIENCE_MS = 10_000;
/** Milliseconds. One that lived less is followed after a pause, lest a machine in distress only starts guardians. */
const SHORT_LIFE_MS = 1_000;

/**
 * Starts a guardian of the rules of process `owner`, and sees to it that there is one until it is relieved.
 * @throws RedirectError if it doesn't get ready
 */
export async function postGuardian(runner: Runner, log: Log, owner: number): Promise<Post> {
  let relieved = false;
  let wake: (() => void) | undefined;
  let guardian = await readyGuardian(runner, owner);
  const standing = (async () => {
    for (;;) {
      const since = performance.now();
      const code = await guardian.exited;
      if (relieved) return;
      log.warn('the guardian of the rules died; starting another', { pid: guardian.pid, code });
      if (performance.now() - since < SHORT_LIFE_MS) {
        await Promise.race([Bun.sleep(SHORT_LIFE_MS), new Promise<void>((resolve) => (wake = resolve))]);
      }
      if (relieved) return;
      try {
        guardian = await readyGuardian(runner, owner);
      } catch (error) {
        log.error('there is no guardian: if snet is killed now, only `snet clean` removes its rules', {
          reason: explain(error),
        });
        return;
      }
      if (relieved) return dismiss(guardian);
      log.info('another guardian is at its post', { pid: guardian.pid });
    }
  })();
  return {
    async relieve() {
      relieved = true;
      wake?.();
      await dismiss(guardian);
      await standing;
    },
  };
}

async function readyGuardian(runner: Runner, owner: number): Promise<Child> {
  const child = started(runner);
  await tell(child, guardOrder(owner));
  const answer = await within(firstLine(child.stdout));
  if (answer === READY) return child;
  child.kill('SIGKILL');
  await child.exited;
  const said = (await new Response(child.stderr).text()).trim();
  throw new RedirectError(
    'ERR_REDIRECT_COMMAND',
    `the guardian did not get ready: ${said || 'it said nothing'}`,
  );
}

function started(runner: Runner): Child {
  try {
    return runner.start(selfArgv([GUARDIAN_ARG]), { detached: true });
  } catch (cause) {
    // Our executable has been deleted meanwhile, or there is no room for another process.
    throw new RedirectError('ERR_REDIRECT_COMMAND', 'the guardian could not be started', { cause });
  }
}

/** Has it end without work. */
async function dismiss(child: Child): Promise<void> {
  await tell(child, DONE);
  if ((await within(child.exited)) !== undefined) return;
  child.kill('SIGKILL');
  await child.exited;
}

async function tell(child: Child, order: string): Promise<void> {
  try {
    await child.stdin.write(order);
    await child.stdin.flush();
  } catch {
    // It is dead, as its exit tells.
  }
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes('\n')) break;
  }
  return text;
}

/** @returns undefined if it takes too long */
async function within<T>(promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, PATIENCE_MS, undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
