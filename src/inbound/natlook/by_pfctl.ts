/** Asks pf by what its own program prints: for a Mac where ioctl does not get through. */
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import { RunError, type Runner } from '../../base/runner.ts';
import type { Endpoint } from '../../net/address.ts';
import { NatlookError } from './natlook_error.ts';
import { parseStates, type StateTable } from './state_table.ts';

const COMMAND = ['pfctl', '-s', 'state'] as const;

export interface PfctlStates {
  /** @returns undefined if pf has no such state. @throws NatlookError */
  find(client: SocketAddress, local: SocketAddress): Promise<Endpoint | undefined>;
}

/** Starts pfctl whenever somebody asks, never twice at once: all who wait meanwhile are answered from the next table. */
export function pfctlStates(runner: Runner): PfctlStates {
  /** Ends with the run that is under way; never rejects. */
  let last: Promise<unknown> = Promise.resolve();
  /** The run that has not begun. One that has may have passed over a connection that came after its begin. */
  let next: Promise<StateTable> | undefined;

  async function begin(): Promise<StateTable> {
    await last;
    next = undefined;
    const run = readStates(runner);
    last = run.catch(() => {});
    return run;
  }

  return {
    async find(client, local) {
      next ??= begin();
      const found = (await next).find(client, local);
      if (found === 'ambiguous')
        throw new NatlookError('ERR_NATLOOK_AMBIGUOUS', 'pf knows more than one such connection');
      return found;
    },
  };
}

/** All states. @throws NatlookError */
export async function readStates(runner: Runner): Promise<StateTable> {
  try {
    const { code, stdout, stderr } = await runner.run(COMMAND);
    if (code === 0) return parseStates(stdout);
    throw new NatlookError(
      'ERR_NATLOOK_COMMAND',
      `\`${COMMAND.join(' ')}\` failed with ${code}: ${stderr.trim()}`,
    );
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new NatlookError('ERR_NATLOOK_COMMAND', error.message, { cause: error, hint: error.hint });
  }
}
