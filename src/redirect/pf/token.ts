/**
 * Our reference to pf: the kernel leaves pf on as long as anybody holds one. It outlives us if it is not given back, so what
 * is needed for that is written down first.
 */
import type { Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import { referencesIn, tokenIn, type Reference } from './listings.ts';
import { attempt, ENABLE, execute, REFERENCES, release } from './pfctl.ts';
import type { PfState } from './state_file.ts';

type Tokens = Pick<PfState, 'token' | 'before'>;

/** @returns undefined if the listing can't be read */
export async function listReferences(runner: Runner): Promise<Reference[] | undefined> {
  return referencesIn((await execute(runner, REFERENCES)).stdout);
}

/**
 * Turns pf on, or has it stay on.
 * @param state if an earlier try has failed, what that one took is kept instead; a token that we had before is given back
 * @param note writes down what of the state is new
 * @throws RedirectError; whether pf is on for us then is not known, but what was noted tells
 */
export async function takeToken(
  runner: Runner,
  state: Tokens,
  note: (change: Tokens) => Promise<void>,
): Promise<void> {
  const missed = state.token === undefined && state.before && (await missedToken(runner, state.before));
  if (missed) return note({ token: missed, before: undefined });
  const before = (await listReferences(runner))?.map(({ token }) => token);
  await note({ token: undefined, before });
  const { stdout, stderr } = await execute(runner, ENABLE);
  // On stderr, so far.
  const token = tokenIn(stderr) ?? tokenIn(stdout);
  if (token === undefined) {
    throw new RedirectError('ERR_REDIRECT_COMMAND', 'pfctl -E has given no token', {
      hint: 'please report it, with the macOS version',
    });
  }
  await note({ token, before: undefined });
  // Void, as it seems, or we would not be here; but if it is not, nobody else would ever give it back.
  if (state.token !== undefined) await giveBackToken(runner, state);
}

/** `pf: token invalid` while pf is on, `pf not enabled` while it is off: somebody has turned it off meanwhile. */
const GONE = /token invalid|not enabled|invalid argument|no such/i;

/**
 * Gives back what {@link takeToken} took, so that pf goes off if nobody else wants it on.
 * @returns whether there was something to give back
 * @throws RedirectError
 */
export async function giveBackToken(runner: Runner, { token, before }: Tokens): Promise<boolean> {
  const ours = token ?? (before && (await missedToken(runner, before)));
  return ours !== undefined && (await attempt(runner, release(ours), (stderr) => GONE.test(stderr)));
}

/**
 * The token of a `pfctl -E` whose answer nobody read. Of several that have come meanwhile none is taken: that of another
 * program may be among them, and pf that stays on without rules of ours harms nobody.
 */
async function missedToken(runner: Runner, before: readonly string[]): Promise<string | undefined> {
  const come = ((await listReferences(runner)) ?? []).filter(
    ({ token, program }) => program === 'pfctl' && !before.includes(token),
  );
  return come.length === 1 ? come[0]!.token : undefined;
}
