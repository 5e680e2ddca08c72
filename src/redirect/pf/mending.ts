/** Undoes what other programs do to pf while our rules are in force, as far as we may. */
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import type { InForce } from './in_force.ts';
import { DAMAGES, inspect, type Damage } from './inspection.ts';
import { sayingOnce } from './saying_once.ts';
import { reloadMain } from './preflight.ts';

export interface MendingOptions {
  readonly runner: Runner;
  readonly log: Log;
  readonly reloadPfConf: boolean;
}

export interface Outcome {
  /** Something was not as it should be. */
  readonly damaged: boolean;
  /** The rules are in force. */
  readonly whole: boolean;
}

/** @returns what looks after the rules, puts right what it can, and says it, once for as long as it stays so */
export function createMending({ runner, log, reloadPfConf }: MendingOptions) {
  const isNews = sayingOnce();
  /** /etc/pf.conf was loaded, and no look since has found all well: another program does not give in, and neither must we. */
  let reloaded = false;

  /**
   * What keeps our rules from being asked, or lo0 from being looked at, is another program's doing, and undone only if we
   * may. Until it is, our rules are out: half of them would have connections vanish on lo0.
   * @returns what could not be mended
   */
  async function mend(rules: InForce, damages: readonly Damage[]): Promise<Damage[]> {
    let found = damages;
    if (found.some(isOfOthers) && reloadPfConf && !reloaded) {
      reloaded = true;
      try {
        await reloadMain(
          runner,
          log,
          found.filter(isOfOthers).map((damage) => DAMAGES[damage]),
        );
      } catch (error) {
        if (!(error instanceof RedirectError)) throw error;
        log.error('could not load /etc/pf.conf anew', { reason: explain(error), hint: error.hint });
      }
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

  function tell(damages: readonly Damage[], left: readonly Damage[]): void {
    // While our rules are out because of what is left, that they are is no news.
    const found = inWords(left.length > 0 ? left : damages);
    if (!isNews(damages.length === 0 ? undefined : `${left.length > 0} ${found}`)) return;
    if (left.length === 0) {
      log.warn('put right what another program had done to pf', { found });
      return;
    }
    log.error('connections go straight out, past the proxy, for another program has changed pf', {
      found,
      hint: reloadPfConf
        ? 'it does so again and again, or /etc/pf.conf says so: is there a VPN or firewall application?'
        : 'sudo pfctl -f /etc/pf.conf, or "reload-pf-conf": true',
    });
  }

  /** @throws RedirectError */
  return async (rules: InForce): Promise<Outcome> => {
    const damages = await inspect(runner, rules.token);
    if (!damages.some(isOfOthers)) reloaded = false;
    const left = damages.length === 0 ? [] : await mend(rules, damages);
    tell(damages, left);
    return { damaged: damages.length > 0, whole: left.length === 0 };
  };
}

const isOfOthers = (damage: Damage): boolean => damage === 'unasked' || damage === 'skipped';

const inWords = (damages: readonly Damage[]): string => damages.map((damage) => DAMAGES[damage]).join(', ');
