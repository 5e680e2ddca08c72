/** Runs the programs that change the kernel's rules; that one can't be run at all comes out as ours. */
import { RunError, type Finished, type Runner } from '../base/runner.ts';
import { RedirectError } from './redirect.ts';

/**
 * Runs a program to its end; whether it succeeded is the caller's to judge.
 * @throws RedirectError: ERR_REDIRECT_UNSUPPORTED if it is not installed, ERR_REDIRECT_COMMAND if it did not end in time
 */
export async function runCommand(runner: Runner, argv: readonly string[], stdin?: string): Promise<Finished> {
  try {
    return await runner.run(argv, stdin === undefined ? {} : { stdin });
  } catch (cause) {
    if (!(cause instanceof RunError)) throw cause;
    const status = cause.status === 'ERR_RUN_MISSING' ? 'ERR_REDIRECT_UNSUPPORTED' : 'ERR_REDIRECT_COMMAND';
    throw new RedirectError(status, cause.message, { hint: cause.hint, cause });
  }
}
