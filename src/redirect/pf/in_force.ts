/** The rules of one plan in the kernel, and what they need beside them: steps, each of which notes first what it will owe. */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import type { Address } from '../../net/address.ts';
import { RedirectError, type RedirectPlan } from '../redirect.ts';
import { bootId } from './boot_id.ts';
import { BYPASS_TABLE, OWN_TABLE, type PfFiles } from './names.ts';
import { execute, FLUSH, LOAD, replaceTable } from './pfctl.ts';
import {
  canRefuseLinkLocalDns,
  renderBypass,
  renderOwn,
  renderRuleset,
  type Ipv6Treatment,
} from './render.ts';
import { deleteState, writeState, writeTable, type PfState } from './state_file.ts';
import { readSegmentation, writeSegmentation } from './sysctl.ts';
import { takeToken } from './token.ts';
import { takeOut } from './undo.ts';

export interface InForceOptions {
  readonly runner: Runner;
  readonly log: Log;
  readonly files: PfFiles;
  /** Destinations that must come to us though their nets are bypassed. */
  readonly caught: readonly Address[];
  readonly ownAddresses: () => readonly Address[];
  /** Can the system do without the resolvers with link-local addresses, which pf can't have asked in our place? */
  readonly doesWithoutLinkLocal: () => Promise<boolean>;
}

export interface InForce {
  readonly token: string | undefined;
  readonly ipv6: Ipv6Treatment;
  /** What is asked of resolvers with link-local addresses is refused now. */
  readonly refusesLinkLocal: boolean;
  /** Loads tables and rules, in one transaction. @throws RedirectError; what was in force stays */
  load(ipv6: Ipv6Treatment): Promise<void>;
  /** Turns pf on. @throws RedirectError */
  enable(): Promise<void>;
  /** Has TCP cut its segments itself. Where that can't be set, it is said: uploads may be slow then. */
  stopSegmentation(): Promise<void>;
  /**
   * Takes rules and tables out, and leaves all else as it is, until the next load. For when what is turned round to lo0 would
   * get lost there: without rules connections go straight out, and that is better than nowhere.
   * @throws RedirectError
   */
  suspend(): Promise<void>;
  /** Puts other ranges in the place of those that are bypassed, all at once. @throws RedirectError; the old ones stay */
  replaceBypass(plan: RedirectPlan): Promise<void>;
  /** If the machine has other addresses than at the last load. @returns whether it has. @throws RedirectError */
  refreshOwn(): Promise<boolean>;
  /**
   * Refuses what is asked of resolvers with link-local addresses as soon as the system has others, and no longer.
   * @throws RedirectError; what was in force stays
   */
  refreshResolvers(): Promise<void>;
  /** Undoes all of it. May be called again if it failed. @throws RedirectError, after all that could be done */
  undo(): Promise<void>;
}

/** Nothing is in the kernel yet; the file of the state is there. @throws RedirectError */
export async function beginInForce(
  initial: RedirectPlan,
  { runner, log, files, caught, ownAddresses, doesWithoutLinkLocal }: InForceOptions,
): Promise<InForce> {
  let plan = initial;
  let ipv6: Ipv6Treatment = 'none';
  let own = '';
  let suspended = false;
  let refuses = false;
  let state: PfState = {
    owner: process.pid,
    boot: await bootId(runner),
    token: undefined,
    before: undefined,
    segmentation: undefined,
  };

  async function note(change: Partial<PfState>): Promise<void> {
    // Known to us even if it can't be written: we undo by it as long as we live.
    state = { ...state, ...change };
    await writeState(files, state);
  }

  const writeBypass = ({ bypass }: RedirectPlan, treatment: Ipv6Treatment) =>
    writeTable(files, files.bypass, renderBypass(bypass, treatment, caught));

  const shallRefuse = async (treatment: Ipv6Treatment) =>
    canRefuseLinkLocalDns(plan, treatment) && (await doesWithoutLinkLocal());

  async function load(treatment: Ipv6Treatment): Promise<void> {
    const addresses = renderOwn(ownAddresses());
    const refusing = await shallRefuse(treatment);
    await writeTable(files, files.own, addresses);
    await writeBypass(plan, treatment);
    await execute(runner, LOAD, renderRuleset(plan, treatment, files, refusing));
    if (refusing && !refuses) {
      log.info(
        'questions to resolvers with link-local addresses, which pf can’t bring us, are refused: the system asks its others',
      );
    }
    ipv6 = treatment;
    own = addresses;
    refuses = refusing;
    suspended = false;
  }

  await note({});
  return {
    get token() {
      return state.token;
    },
    get ipv6() {
      return ipv6;
    },

    get refusesLinkLocal() {
      return refuses && !suspended;
    },

    load,

    async suspend() {
      if (suspended) return;
      await execute(runner, FLUSH);
      suspended = true;
    },

    enable: () => takeToken(runner, state, note),

    async stopSegmentation() {
      try {
        const value = await readSegmentation(runner);
        if (value === 0) return;
        await note({ segmentation: value });
        await writeSegmentation(runner, 0);
      } catch (error) {
        if (!(error instanceof RedirectError)) throw error;
        log.warn('net.inet.tcp.tso could not be set to 0: uploads may be slow', { reason: explain(error) });
      }
    },

    async replaceBypass(next) {
      await writeBypass(next, ipv6);
      try {
        if (!suspended) await execute(runner, replaceTable(BYPASS_TABLE, files.bypass));
      } catch (error) {
        // The rules may be loaded anew from it at any time.
        await writeBypass(plan, ipv6);
        throw error;
      }
      plan = next;
    },

    async refreshOwn() {
      const addresses = renderOwn(ownAddresses());
      if (suspended || addresses === own) return false;
      await writeTable(files, files.own, addresses);
      await execute(runner, replaceTable(OWN_TABLE, files.own));
      own = addresses;
      return true;
    },

    async refreshResolvers() {
      if (suspended || (await shallRefuse(ipv6)) === refuses) return;
      if (refuses) log.info('questions to resolvers with link-local addresses go to them again');
      await load(ipv6);
    },

    async undo() {
      await takeOut(runner, state);
      await deleteState(files);
    },
  };
}
