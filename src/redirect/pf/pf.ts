/**
 * Rules in an anchor of pf, the packet filter of macOS; pf is on while we hold a reference to it. All of that outlives its
 * process, so a guardian stands by (see guardian.ts), every step is written down before it is done, and every start first
 * takes out what may have been left all the same.
 *
 * It redirects what programs of this machine send; what comes from other machines it leaves alone. Apple calls pf no API
 * (TN3165): other products and updates of the system change it under us, so what we need of it is looked after.
 */
import { realClock, type Clock } from '../../base/clock.ts';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import type { Address } from '../../net/address.ts';
import { localAddresses } from '../../net/local_addresses.ts';
import { postGuardian, type Post } from '../guardian/post_guardian.ts';
import { FIXED_KEYS, RedirectError, type Redirect, type RedirectPlan } from '../redirect.ts';
import { beginInForce, type InForce } from './in_force.ts';
import { takingTurns } from './in_turn.ts';
import { createMending } from './mending.ts';
import { pfFiles } from './names.ts';
import { sayingOnce } from './saying_once.ts';
import { makeReady } from './preflight.ts';
import { createProving, type RuleProofs } from './proving.ts';
import { takeOutLeft } from './undo.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export type { RuleProofs } from './proving.ts';

export interface PfOptions {
  readonly runner: Runner;
  readonly log: Log;
  readonly proofs: RuleProofs;
  /** What becomes of IPv6 where redirecting it is seen not to work. */
  readonly ipv6Fallback: 'block' | 'direct';
  /** Whether /etc/pf.conf may be loaded anew where our rules would else not be asked. */
  readonly reloadPfConf: boolean;
  /** Of the files; /var/run/snet if not said. */
  readonly folder?: string;
  readonly clock?: Clock;
  readonly ownAddresses?: () => readonly Address[];
  /** Can the system do without the resolvers with link-local addresses, which pf can't have asked in our place? No, if not said. */
  readonly doesWithoutLinkLocal?: () => Promise<boolean>;
}

export interface PfRedirect extends Redirect {
  /**
   * Looks whether all is as it was put, mends what is not, and proves again what could not be proven before. It is called
   * every 30 s by itself, and should be when the network has changed. Does nothing while no plan is in force.
   * Never throws: what can't be mended is in the log.
   */
  verify(): Promise<void>;
}

/** The mechanism. Its listeners must be up, and tell the proofs what comes to them, before `apply`. */
export function createPf({
  runner,
  log,
  proofs,
  ipv6Fallback,
  reloadPfConf,
  folder,
  clock = realClock,
  ownAddresses = localAddresses,
  doesWithoutLinkLocal = () => Promise.resolve(false),
}: PfOptions): PfRedirect {
  const files = pfFiles(folder);
  const caught = proofs.destinations.map(({ address }) => address);
  const inTurn = takingTurns();
  const isNews = sayingOnce();
  const proving = createProving({ runner, log, proofs, ipv6Fallback });
  const mend = createMending({ runner, log, reloadPfConf });
  let post: Post | undefined;
  let plan: RedirectPlan | undefined;
  let force: InForce | undefined;
  let watchdog: Watchdog | undefined;
  /** Our rules were seen to catch nothing, and are out; each look tries again. */
  let ineffective = false;

  /** Leaves the guardian at its post if it fails: that will try again when we have ended. */
  async function undo(): Promise<void> {
    watchdog?.stop();
    watchdog = undefined;
    proving.doubt();
    await force?.undo();
    force = undefined;
    await post?.relieve();
    post = undefined;
  }

  /** @param networkChanged so what could not be proven before may be proven now */
  async function look(networkChanged: boolean): Promise<void> {
    if (!plan || !force) return;
    try {
      if (ineffective) await force.load(force.ipv6);
      const { damaged, whole } = await mend(force);
      if (damaged) proving.doubt();
      if (await force.refreshOwn()) log.debug('this machine has other addresses');
      await force.refreshResolvers();
      if (whole && (networkChanged || damaged || ineffective || proving.waits))
        await proving.prove(force, networkChanged);
      if (whole && ineffective) log.info('the rules of pf are in force again');
      ineffective = false;
      isNews(undefined);
    } catch (error) {
      await tellOf(error, force);
    }
  }

  async function tellOf(error: unknown, rules: InForce): Promise<void> {
    const reason = explain(error);
    const hint = error instanceof RedirectError ? error.hint : undefined;
    const isIneffective = error instanceof RedirectError && error.status === 'ERR_REDIRECT_INEFFECTIVE';
    if (isNews(reason)) {
      log.error(
        isIneffective
          ? 'connections go straight out, past the proxy, for the rules of pf catch nothing any more'
          : 'could not see to the rules of pf',
        { reason, hint },
      );
    }
    if (!isIneffective) return;
    ineffective = true;
    proving.doubt();
    try {
      // Where they only take connections to where nobody hears them, none would get anywhere.
      await rules.suspend();
    } catch (failure) {
      log.error('could not take out rules that catch nothing', { reason: explain(failure) });
    }
  }

  return {
    mechanism: 'pf',
    takesLinkLocal: false,
    refusesLinkLocal: () => force?.refusesLinkLocal === true,

    apply: (wanted) =>
      inTurn(async () => {
        watchdog?.stop();
        watchdog = undefined;
        plan = undefined;
        force = undefined;
        ineffective = false;
        proving.doubt();
        const left = await takeOutLeft(runner, files);
        if (left.length > 0) {
          log.warn('removed what an earlier run had left', { removed: left.join(', ') });
        }
        try {
          await makeReady(runner, log, reloadPfConf);
          post ??= await postGuardian(runner, log, process.pid);
          force = await beginInForce(wanted, {
            runner,
            log,
            files,
            caught,
            ownAddresses,
            doesWithoutLinkLocal,
          });
          await force.load(wanted.ipv6 ? 'redirect' : 'none');
          await force.enable();
          await force.stopSegmentation();
          await proving.prove(force);
        } catch (error) {
          try {
            await undo();
          } catch (failure) {
            log.error('could not undo what was begun', { reason: explain(failure) });
          }
          throw error;
        }
        plan = wanted;
        watchdog = startWatchdog(clock, () => inTurn(() => look(false)));
      }),

    update: (wanted) =>
      inTurn(async () => {
        if (!plan || !force) throw new TypeError('update without apply');
        for (const key of FIXED_KEYS) {
          if (wanted[key] !== plan[key]) throw new TypeError(`update changes ranges only, not ${key}`);
        }
        await force.replaceBypass(wanted);
        plan = wanted;
      }),

    remove: () =>
      inTurn(async () => {
        if (!plan) return;
        plan = undefined;
        await undo();
      }),

    verify: () => inTurn(() => look(true)),
  };
}
