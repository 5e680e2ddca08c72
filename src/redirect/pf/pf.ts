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
import type { Address, Endpoint } from '../../net/address.ts';
import { postGuardian, type Post } from '../guardian/post_guardian.ts';
import { FIXED_KEYS, RedirectError, type Redirect, type RedirectPlan } from '../redirect.ts';
import { beginInForce, type InForce } from './in_force.ts';
import { takingTurns } from './in_turn.ts';
import { DAMAGES, inspect, type Damage } from './inspection.ts';
import { pfFiles } from './names.ts';
import { sayingOnce } from './once.ts';
import { ownAddresses as ownAddressesNow } from './own_addresses.ts';
import { execute, RELOAD_MAIN } from './pfctl.ts';
import { describeFacts, gatherFacts, judge } from './preflight.ts';
import { takeOutLeft } from './undo.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

/** Tells whether the rules catch what programs do; see src/inbound/proof.ts. */
export interface RuleProofs {
  /** Where its connections go: nobody is there. */
  readonly destinations: readonly Endpoint[];
  run(families: readonly (4 | 6)[]): Promise<ReadonlyMap<4 | 6, 'caught' | 'missed' | 'no route'>>;
}

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
  ownAddresses = ownAddressesNow,
}: PfOptions): PfRedirect {
  const files = pfFiles(folder);
  const caught = proofs.destinations.map(({ address }) => address);
  const inTurn = takingTurns();
  const isNewDamage = sayingOnce();
  const isNewFailure = sayingOnce();
  let post: Post | undefined;
  let plan: RedirectPlan | undefined;
  let force: InForce | undefined;
  let watchdog: Watchdog | undefined;
  /** Families whose rules have caught something. */
  const proven = new Set<4 | 6>();

  /** Leaves the guardian at its post if it fails: that will try again when we have ended. */
  async function undo(): Promise<void> {
    watchdog?.stop();
    watchdog = undefined;
    proven.clear();
    await force?.undo();
    force = undefined;
    await post?.relieve();
    post = undefined;
  }

  /** @throws RedirectError if rules would catch nothing here */
  async function prepare(): Promise<void> {
    let facts = await gatherFacts(runner);
    let problems = judge(facts);
    if (reloadPfConf && problems.length > 0 && problems.every(({ mendable }) => mendable)) {
      await reloadMain(problems.map(({ message }) => message));
      facts = await gatherFacts(runner);
      problems = judge(facts);
    }
    const [problem] = problems;
    if (problem) throw new RedirectError(problem.status, problem.message, { hint: problem.hint });
    log.debug('pf as it was found', { facts: describeFacts(facts) });
    if (facts.main.sharing) {
      log.info(
        'Internet Sharing or a network of virtual machines is on: what comes from there is not redirected',
      );
    }
  }

  async function reloadMain(why: readonly string[]): Promise<void> {
    log.warn(
      'loading /etc/pf.conf anew, as configured: anchors that other programs have put into the main ruleset meanwhile are lost until they put them in again',
      { why: why.join('; ') },
    );
    await execute(runner, RELOAD_MAIN);
  }

  /**
   * Proves the families that are redirected and not proven yet.
   * @throws RedirectError ERR_REDIRECT_INEFFECTIVE if IPv4 is not caught; the one of loading rules with the fallback
   */
  async function prove(rules: InForce): Promise<void> {
    const families = (rules.ipv6 === 'redirect' ? ([4, 6] as const) : ([4] as const)).filter(
      (family) => !proven.has(family),
    );
    if (families.length === 0) return;
    const results = await runProofs(families);
    for (const [family, result] of results) {
      if (result === 'caught') proven.add(family);
      if (result === 'no route') {
        log.debug('there is no route: what the rules do is proven when there is one', { family });
      }
    }
    if (results.get(4) === 'missed') throw await ineffective();
    if (results.get(6) === 'missed') {
      await rules.load(ipv6Fallback);
      log.warn(
        ipv6Fallback === 'block'
          ? 'pf does not bring us IPv6 here: new connections over it are refused, so that programs take IPv4'
          : 'pf does not bring us IPv6 here: connections over it go straight out, past the proxy, as configured',
      );
    }
  }

  async function runProofs(families: readonly (4 | 6)[]) {
    try {
      return await proofs.run(families);
    } catch (error) {
      log.warn('what the rules do could not be proven', { reason: explain(error) });
      return new Map<4 | 6, never>();
    }
  }

  async function ineffective(): Promise<RedirectError> {
    const facts = await gatherFacts(runner);
    const [problem] = judge(facts);
    return new RedirectError(
      'ERR_REDIRECT_INEFFECTIVE',
      `the rules are in pf, but a connection that they should have caught did not come to us: ${problem?.message ?? describeFacts(facts)}`,
      {
        hint:
          problem?.hint ??
          'Another product’s filter may come first: try without VPN and firewall applications. After an update of macOS a restart has helped others.',
      },
    );
  }

  /**
   * What keeps our rules from being asked, or lo0 from being looked at, is another program's doing, and undone only if we
   * may. Until it is, our rules are out: half of them would have connections vanish on lo0.
   * @returns what could not be mended
   */
  async function mend(rules: InForce, damages: readonly Damage[]): Promise<Damage[]> {
    let found = damages;
    if (found.some(isOfOthers) && reloadPfConf) {
      await reloadMain(found.filter(isOfOthers).map((damage) => DAMAGES[damage]));
      found = await inspect(runner, rules.token);
    }
    const left = found.filter(isOfOthers);
    if (left.length > 0) await rules.suspend();
    // In any case: the token that we had may count no more.
    if (found.includes('off') || found.includes('unheld')) await rules.enable();
    if (found.includes('emptied') && left.length === 0) await rules.load(rules.ipv6);
    if (found.includes('segmented')) await rules.stopSegmentation();
    return left;
  }

  const isOfOthers = (damage: Damage) => damage === 'unasked' || damage === 'skipped';

  /** @param networkChanged so what could not be proven before may be proven now */
  async function look(networkChanged: boolean): Promise<void> {
    if (!plan || !force) return;
    try {
      const damages = await inspect(runner, force.token);
      const left = damages.length === 0 ? [] : await mend(force, damages);
      tell(damages, left);
      if (await force.refreshOwn()) log.debug('this machine has other addresses');
      if (damages.length > 0) proven.clear();
      if (left.length === 0 && (networkChanged || damages.length > 0)) await prove(force);
      isNewFailure(undefined);
    } catch (error) {
      const reason = explain(error);
      const hint = error instanceof RedirectError ? error.hint : undefined;
      if (isNewFailure(reason)) log.error('could not see to the rules of pf', { reason, hint });
    }
  }

  function tell(damages: readonly Damage[], left: readonly Damage[]): void {
    const inWords = (list: readonly Damage[]) => list.map((damage) => DAMAGES[damage]).join(', ');
    // Our rules are out because of what is left: that they come back is news.
    const isNew = isNewDamage(inWords(left.length > 0 ? left : damages) || undefined);
    if (!isNew) return;
    if (left.length > 0) {
      log.error('connections go straight out, past the proxy, for another program has changed pf', {
        found: inWords(left),
        hint: 'sudo pfctl -f /etc/pf.conf, or "reload-pf-conf": true',
      });
    } else log.warn('put right what another program had done to pf', { found: inWords(damages) });
  }

  return {
    mechanism: 'pf',
    takesLinkLocal: false,

    apply: (wanted) =>
      inTurn(async () => {
        watchdog?.stop();
        watchdog = undefined;
        plan = undefined;
        force = undefined;
        proven.clear();
        const left = await takeOutLeft(runner, files);
        if (left.length > 0) {
          log.warn('removed what an earlier run had left', { removed: left.join(', ') });
        }
        try {
          await prepare();
          post ??= await postGuardian(runner, log, process.pid);
          force = await beginInForce(wanted, { runner, log, files, caught, ownAddresses });
          await force.load(wanted.ipv6 ? 'redirect' : 'none');
          await force.enable();
          await force.stopSegmentation();
          await prove(force);
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
