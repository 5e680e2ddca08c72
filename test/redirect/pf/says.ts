/** Runners that answer by a table. */
import { RunError, type Finished, type Runner } from '../../../src/base/runner.ts';

/** What becomes of a call; without a code it succeeds. */
export type Answer = Partial<Finished> | RunError;

/** @param answer asked for every call; undefined: nothing was said, and all is well */
export function says(
  answer: (command: string, stdin: string | undefined) => Answer | undefined,
): Runner & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    run(argv, { stdin } = {}) {
      const command = argv.join(' ');
      calls.push(command);
      const given = answer(command, stdin);
      if (given instanceof RunError) return Promise.reject(given);
      return Promise.resolve({ code: 0, stdout: '', stderr: '', ...given });
    },
    start: () => {
      throw new Error('nothing is started here');
    },
  };
}
