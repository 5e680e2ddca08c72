/**
 * Rules in the nat tables of iptables and ip6tables, with the bypassed addresses in sets of ipset: for kernels without
 * nf_tables' owned tables. Such rules outlive their process, so a guardian stands by (see guardian.ts), and every
 * start first takes out what may have been left all the same.
 *
 * Of iptables' two variants, nf_tables and legacy, it is the one that the program `iptables-restore` is. What was left
 * with the one is not seen with the other: whoever switches (update-alternatives) stops snet first.
 */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import { FIXED_KEYS, RedirectError, type Redirect, type RedirectPlan } from '../redirect.ts';
import { execute, LIST_SETS, restoreRules, RESTORE_SETS } from './command.ts';
import { nextSetName } from './names.ts';
import { postGuardian, type Post } from '../guardian/post_guardian.ts';
import {
  familiesOf,
  renderNextSets,
  renderRehearsal,
  renderRules,
  renderSets,
  renderSwap,
} from './render.ts';
import { takeOut, takeOutLeft } from './undo.ts';

export interface IptablesOptions {
  readonly runner: Runner;
  readonly log: Log;
}

/** The mechanism. Needs `ipset`, `iptables-restore` and, for IPv6, `ip6tables-restore`. */
export function createIptables({ runner, log }: IptablesOptions): Redirect {
  const owner = process.pid;
  let post: Post | undefined;
  let inForce: RedirectPlan | undefined;

  /** Leaves the guardian at its post if it fails: that will try again when we have ended. */
  async function removeOurs(): Promise<void> {
    await takeOut(runner, (candidate) => candidate === owner);
    await post?.relieve();
    post = undefined;
  }

  return {
    mechanism: 'iptables',
    takesLinkLocal: false,

    async apply(plan) {
      inForce = undefined;
      const beginning = Promise.allSettled([takeOutLeft(runner), post ?? postGuardian(runner, log, owner)]);
      // Some 30 ms of work for thousands of ranges, while the programs start.
      const sets = renderSets(plan, owner);
      const [left, guardian] = await beginning;
      if (guardian.status === 'fulfilled') post = guardian.value;
      try {
        if (guardian.status === 'rejected') throw guardian.reason;
        if (left.status === 'rejected') throw left.reason;
        if (left.value.length > 0)
          log.warn('removed what an earlier run had left', { removed: left.value.join(', ') });
        // First: rules can only name sets that are there.
        await execute(runner, RESTORE_SETS, sets);
        for (const family of familiesOf(plan))
          await execute(runner, restoreRules(family), renderRules(plan, family, owner));
      } catch (error) {
        try {
          await removeOurs();
        } catch (failure) {
          log.error('could not undo what was begun', { reason: explain(failure) });
        }
        throw error;
      }
      inForce = plan;
    },

    async update(plan) {
      if (!inForce) throw new TypeError('update without apply');
      for (const key of FIXED_KEYS) {
        if (plan[key] !== inForce[key]) throw new TypeError(`update changes ranges only, not ${key}`);
      }
      await dropNextSets(runner, owner);
      try {
        await execute(runner, RESTORE_SETS, renderNextSets(plan, owner));
        await execute(runner, RESTORE_SETS, renderSwap(plan, owner));
      } catch (error) {
        try {
          await dropNextSets(runner, owner);
        } catch (failure) {
          // Nothing looks into them, and the next update or remove() takes them out.
          log.warn('sets that are not in force are left', { reason: explain(failure) });
        }
        throw error;
      }
      inForce = plan;
    },

    async remove() {
      if (!inForce) return;
      inForce = undefined;
      await removeOurs();
    },
  };
}

/**
 * Takes out rules and sets that any run has left.
 * @returns what was removed, one phrase each; a program that is missing can have left nothing
 * @throws RedirectError, ERR_REDIRECT_HELD if they are those of a snet that runs
 */
export function cleanIptables(runner: Runner): Promise<string[]> {
  return takeOutLeft(runner);
}

/**
 * Can rules be made here? Has the programs check them without committing.
 * @returns undefined if they can, else why not, with what is missing
 */
export async function probeIptables(runner: Runner): Promise<string | undefined> {
  try {
    await execute(runner, LIST_SETS);
    await execute(runner, restoreRules(4, '--test'), renderRehearsal(process.pid));
    return undefined;
  } catch (error) {
    if (!(error instanceof RedirectError)) throw error;
    return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  }
}

async function dropNextSets(runner: Runner, owner: number): Promise<void> {
  const sets = (await execute(runner, LIST_SETS)).split('\n');
  for (const family of [4, 6] as const) {
    const next = nextSetName(family, owner);
    if (sets.includes(next)) await execute(runner, ['ipset', 'destroy', next]);
  }
}
