/** From what a state file tells back to the machine as it was. Every step may have been done already. */
import type { Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import { isOfThisBoot } from './boot_id.ts';
import { hasRules } from './listings.ts';
import { ANCHOR, pfFiles, type PfFiles } from './names.ts';
import { attempt, execute, FLUSH, OUR_FILTER, OUR_TRANSLATION } from './pfctl.ts';
import { isRunning } from './running.ts';
import { deleteState, readState, type PfState } from './state_file.ts';
import { readSegmentation, writeSegmentation } from './sysctl.ts';
import { giveBackToken } from './token.ts';

/** How often to begin anew if a step fails, and milliseconds before that: pfctl of others may be at work. */
const ROUNDS = 3;
const PAUSE_MS = 50;

/** Said of an anchor that isn't there: it has no rules. */
const NO_ANCHOR = /DIOCGETRULES(?:ETS?)?: Invalid argument|does not exist/i;

/** How many of our two rulesets, translation and filter, the kernel holds. Tables come and go with them. @throws RedirectError */
export async function countOurRulesets(runner: Runner): Promise<0 | 1 | 2> {
  const isThere = async (argv: readonly string[]) => {
    try {
      return hasRules((await execute(runner, argv)).stdout);
    } catch (error) {
      if (!(error instanceof RedirectError && NO_ANCHOR.test(error.message))) throw error;
      return false;
    }
  };
  const translation = await isThere(OUR_TRANSLATION);
  const filter = await isThere(OUR_FILTER);
  return translation && filter ? 2 : translation || filter ? 1 : 0;
}

/**
 * Takes rules and tables out, gives the token back, restores the sysctl; the file of the state stays.
 *
 * States of connections that were caught stay too. Where nobody else wants pf on, the kernel looks at no state any more.
 * Else they end by themselves, those of DNS over UDP 30 to 60 s after the last packet: pfctl can kill states by addresses
 * only, and so would end other programs' connections to the same router with them.
 *
 * @param state undefined: rules only
 * @param owed asked before every change; false: somebody else makes it, or has
 * @returns what was removed, one phrase each
 * @throws RedirectError, the first, after all that could be done has been
 */
export async function takeOut(
  runner: Runner,
  state: PfState | undefined,
  owed: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<string[]> {
  const removed = new Set<string>();
  for (let round = 1; ; round++) {
    const failures: unknown[] = [];
    for (const step of steps(runner, state, owed)) {
      try {
        const what = await step();
        if (what !== undefined) removed.add(what);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 0) return [...removed];
    const [first] = failures;
    if (round === ROUNDS || !(first instanceof RedirectError) || first.status === 'ERR_REDIRECT_PERMISSION') {
      throw first;
    }
    await Bun.sleep(PAUSE_MS * round);
  }
}

/** @returns what each has removed; undefined: nothing */
function steps(
  runner: Runner,
  state: PfState | undefined,
  owed: () => Promise<boolean>,
): (() => Promise<string | undefined>)[] {
  /** Else the kernel has forgotten all by itself; and a sysctl may have been set to the same value by somebody else. */
  const isOfNow = async () => state?.boot === undefined || (await isOfThisBoot(runner, state.boot));
  return [
    async () => {
      const held = (await countOurRulesets(runner)) > 0;
      if (!(held || state) || !(await owed())) return undefined;
      await attempt(runner, FLUSH, (stderr) => NO_ANCHOR.test(stderr));
      return held ? `the pf rules and tables of ${ANCHOR}` : undefined;
    },
    async () => {
      if (!state || !(await isOfNow()) || !(await owed())) return undefined;
      return (await giveBackToken(runner, state)) ? 'the reference that kept pf on' : undefined;
    },
    async () => {
      if (state?.segmentation === undefined || state.segmentation === 0 || !(await isOfNow()))
        return undefined;
      // If not, somebody has changed it since: theirs counts.
      if ((await readSegmentation(runner)) !== 0 || !(await owed())) return undefined;
      await writeSegmentation(runner, state.segmentation);
      return 'the sysctl net.inet.tcp.tso=0';
    },
  ];
}

/**
 * Takes out what processes have left that run no more, and what this one has put in.
 * @returns what was removed, one phrase each
 * @throws RedirectError, ERR_REDIRECT_HELD if the rules are those of a running snet
 */
export async function takeOutLeft(runner: Runner, files: PfFiles): Promise<string[]> {
  const { state, problem } = await readState(files);
  if (state && state.owner !== process.pid && (await isRunning(runner, state.owner))) {
    throw new RedirectError(
      'ERR_REDIRECT_HELD',
      `the pf rules are those of process ${state.owner}, which runs`,
      {
        hint: `end that process first: sudo kill ${state.owner}`,
      },
    );
  }
  const removed = await takeOut(runner, state);
  await deleteState(files);
  return problem === undefined ? removed : [...removed, `${files.state}, of no use: ${problem}`];
}

/** Milliseconds. pfctl takes some tens of them for thousands of addresses. */
const LATECOMERS_MS = 500;

/**
 * The guardian's work: takes out what a process has put in that has just died, perhaps while a pfctl that it had started
 * was at work: what that one makes after the first look is found at the second. As soon as another snet has taken over, which
 * its own state in the file tells, nothing is touched any more.
 * @throws RedirectError
 */
export async function undoPfAfter(runner: Runner, owner: number, files: PfFiles = pfFiles()): Promise<void> {
  const { state } = await readState(files);
  if (state?.owner !== owner) return;
  const owed = async () => (await readState(files)).state?.owner === owner;
  await takeOut(runner, state, owed);
  await Bun.sleep(LATECOMERS_MS);
  await takeOut(runner, state, owed);
  if (await owed()) await deleteState(files);
}

/**
 * Takes out what any run has left.
 * @returns what was removed, one phrase each
 * @throws RedirectError as {@link takeOutLeft}
 */
export function cleanPf(runner: Runner, files: PfFiles = pfFiles()): Promise<string[]> {
  return takeOutLeft(runner, files);
}
