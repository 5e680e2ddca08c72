/** Takes out of the kernel what a process has put in, or what any has: jumps, then chains, then the sets. */
import type { Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import { execute, LIST_SETS, restoreRules, saveRules } from './command.ts';
import { ownerOf } from './names.ts';
import { isRunning } from './running.ts';
import { findOurs, renderRemoval } from './saved.ts';

/**
 * How often to look anew, and how long to wait before that. A set stays in use for some milliseconds after the last
 * rule that looked into it has gone (the kernel frees rules later), and others may change the rules while we do.
 */
const ROUNDS = 6;
const PAUSE_MS = 20;

/**
 * Takes out what processes have left that run no more, and what this one has put in.
 * @returns as {@link takeOut}
 * @throws RedirectError, ERR_REDIRECT_HELD if a running snet has rules: those stay, the others are out
 */
export async function takeOutLeft(runner: Runner): Promise<string[]> {
  let holder: number | undefined;
  const removed = await takeOut(runner, (owner) => {
    if (owner === process.pid || !isRunning(owner)) return true;
    holder = owner;
    return false;
  });
  if (holder === undefined) return removed;
  throw new RedirectError(
    'ERR_REDIRECT_HELD',
    `the iptables rules are those of process ${holder}, which runs`,
    {
      hint: `end that process first: kill ${holder}`,
    },
  );
}

/**
 * @param isOurs of which processes, by pid
 * @returns what was removed, one phrase each; nothing can be there of a program that is missing
 * @throws RedirectError, after all that could be removed has been
 */
export async function takeOut(runner: Runner, isOurs: (owner: number) => boolean): Promise<string[]> {
  const matches = (name: string) => {
    const owner = ownerOf(name);
    return owner !== undefined && isOurs(owner);
  };
  const removed: string[] = [];
  for (let round = 1; ; round++) {
    try {
      await takeOutOnce(runner, matches, removed);
      return removed;
    } catch (error) {
      // A chain that another process took out meanwhile sounds like a kernel that lacks something: it isn't asked which.
      if (round === ROUNDS || !(error instanceof RedirectError) || error.status === 'ERR_REDIRECT_PERMISSION')
        throw error;
      await Bun.sleep(PAUSE_MS * 2 ** round);
    }
  }
}

/**
 * Milliseconds. `ipset restore` takes some tens of them for thousands of addresses. Rules can't come as late: they name
 * sets, which are gone by then.
 */
const LATECOMERS_MS = 500;

/**
 * Takes out what a process has put in that has just died, perhaps while a program that it had started was at work: what
 * that one makes after the first look is found at the second.
 * @throws RedirectError as {@link takeOut}
 */
export async function takeOutAfter(runner: Runner, owner: number): Promise<void> {
  await takeOut(runner, (candidate) => candidate === owner);
  await Bun.sleep(LATECOMERS_MS);
  await takeOut(runner, (candidate) => candidate === owner);
}

async function takeOutOnce(
  runner: Runner,
  isOurs: (name: string) => boolean,
  removed: string[],
): Promise<void> {
  const rules = await Promise.allSettled(
    ([4, 6] as const).map((family) => takeOutRules(runner, family, isOurs, removed)),
  );
  const sets = (await read(runner, LIST_SETS)).split('\n').filter(isOurs);
  const destroyed = await Promise.allSettled(
    sets.map(async (set) => {
      await execute(runner, ['ipset', 'destroy', set]);
      removed.push(`the ipset ${set}`);
    }),
  );
  const failure = [...rules, ...destroyed].find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

async function takeOutRules(
  runner: Runner,
  family: 4 | 6,
  isOurs: (chain: string) => boolean,
  removed: string[],
): Promise<void> {
  const found = findOurs(await read(runner, saveRules(family)), isOurs);
  if (found.chains.length === 0) return;
  await execute(runner, restoreRules(family), renderRemoval(found));
  const program = family === 4 ? 'iptables' : 'ip6tables';
  removed.push(...found.chains.map((chain) => `the ${program} chain ${chain} and the rules that lead there`));
}

/** What a listing prints; nothing if the program, or the kernel's part, isn't there to hold anything. */
async function read(runner: Runner, argv: readonly string[]): Promise<string> {
  try {
    return await execute(runner, argv);
  } catch (error) {
    if (error instanceof RedirectError && error.status === 'ERR_REDIRECT_UNSUPPORTED') return '';
    throw error;
  }
}
