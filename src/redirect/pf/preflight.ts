/** Finds out, before any rule is in, what would keep our rules from catching anything: facts apart from judgement. */
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import { RedirectError, type RedirectStatus } from '../redirect.ts';
import { isEnabledIn, isSkippedIn, mainRulesetIn, type MainRuleset } from './listings.ts';
import { execute, INFO, LOOPBACK, MAIN_FILTER, MAIN_TRANSLATION, RELOAD_MAIN } from './pfctl.ts';

/** Older ones get no more security updates, and nobody has reported what pf does there. */
export const OLDEST_MACOS = 13;

export interface Facts {
  /** Of macOS, as `sw_vers -productVersion` has it: `15.6.1`; undefined: unknown. */
  readonly version: string | undefined;
  readonly enabled: boolean | undefined;
  readonly main: MainRuleset;
  /** pf looks at nothing on lo0. */
  readonly loopbackSkipped: boolean;
}

export interface Problem {
  readonly status: RedirectStatus;
  readonly message: string;
  readonly hint: string;
  /** Loading /etc/pf.conf anew would mend it. */
  readonly mendable: boolean;
}

/**
 * Asks the system; changes nothing.
 * @throws RedirectError if pfctl can't be asked
 */
export async function gatherFacts(runner: Runner): Promise<Facts> {
  const print = async (argv: readonly string[]) => (await execute(runner, argv)).stdout;
  // The first alone: of one that may not ask pf there is no need to hear it five times.
  const info = await print(INFO);
  const [translation, filter, loopback, version] = await Promise.all([
    print(MAIN_TRANSLATION),
    print(MAIN_FILTER),
    print(LOOPBACK),
    runner.run(['sw_vers', '-productVersion']).then(
      ({ stdout }) => /^\d+(?:\.\d+)*$/m.exec(stdout)?.[0],
      () => undefined,
    ),
  ]);
  return {
    version,
    enabled: isEnabledIn(info),
    main: mainRulesetIn(translation, filter),
    loopbackSkipped: isSkippedIn(loopback, 'lo0'),
  };
}

const RELOAD_HINT =
  'Load the system’s own rules anew: sudo pfctl -f /etc/pf.conf. Or have snet do so: "redirect": { "reload-pf-conf": true }. Anchors that others have put in meanwhile (Internet Sharing, virtual machines, VPN applications) are lost by that until those programs put them in again. If it is so again right after that, /etc/pf.conf itself says so (set skip on lo0).';

/** If it is so right after that file was loaded, it is what the file says. */
const FILE_HINT =
  '/etc/pf.conf itself says so, which is loaded already. Take "set skip on lo0" out of it, see that it has the lines rdr-anchor "com.apple/*" and anchor "com.apple/*" of the system’s own, and load it: sudo pfctl -f /etc/pf.conf.';

/** What of the facts keeps our rules from working; the worst first. */
export function judge({ version, main, loopbackSkipped }: Facts): Problem[] {
  const problems: Problem[] = [];
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST_MACOS) {
    problems.push({
      status: 'ERR_REDIRECT_UNSUPPORTED',
      message: `this is macOS ${version}; the oldest that snet supports is macOS ${OLDEST_MACOS}`,
      hint: 'Update macOS.',
      mendable: false,
    });
  }
  if (!main.asksUs) {
    problems.push({
      status: 'ERR_REDIRECT_INEFFECTIVE',
      message:
        'the main ruleset of pf has no anchors "com.apple/*": another program, a firewall or a VPN perhaps, has put its own in the place of the system’s, and rules of snet would not be asked',
      hint: RELOAD_HINT,
      mendable: true,
    });
  }
  if (loopbackSkipped) {
    problems.push({
      status: 'ERR_REDIRECT_INEFFECTIVE',
      message: `pf skips lo0, and so would take no notice of what snet redirects there; ${
        main.sharing
          ? 'Internet Sharing or the network of virtual machines sets that, and is on'
          : 'Internet Sharing, virtual machines and some VPN applications (NordVPN) set that and leave it behind'
      }`,
      hint: RELOAD_HINT,
      mendable: true,
    });
  }
  return problems;
}

/** For one line beside a failure that none of the problems explains: what stands out, in words. */
export function describeFacts({ version, enabled, main, loopbackSkipped }: Facts): string {
  return [
    `macOS ${version ?? 'of unknown version'}`,
    `pf is ${enabled === undefined ? 'in an unknown state' : enabled ? 'on' : 'off'}`,
    ...(main.asksUs ? [] : ['the main ruleset has no anchors "com.apple/*"']),
    ...(loopbackSkipped ? ['lo0 is skipped'] : []),
    ...(main.sharing ? ['Internet Sharing or a network of virtual machines is on'] : []),
    ...(main.ahead.length === 0
      ? []
      : [`before ours come other filter rules (${main.ahead.length}), the first being ${main.ahead[0]}`]),
  ].join(', ');
}

/**
 * Finds out whether rules can work here; if not, loads /etc/pf.conf anew where that helps and is allowed.
 * @throws RedirectError with what is in the way, and what to do about it
 */
export async function makeReady(runner: Runner, log: Log, reloadPfConf: boolean): Promise<void> {
  let facts = await gatherFacts(runner);
  let problems = judge(facts);
  if (reloadPfConf && problems.length > 0 && problems.every(({ mendable }) => mendable)) {
    await reloadMain(
      runner,
      log,
      problems.map(({ message }) => message),
    );
    facts = await gatherFacts(runner);
    problems = judge(facts).map((problem) => (problem.mendable ? { ...problem, hint: FILE_HINT } : problem));
  }
  const [problem] = problems;
  if (problem) throw new RedirectError(problem.status, problem.message, { hint: problem.hint });
  log.debug('pf as it was found', { facts: describeFacts(facts) });
  const { blocks } = facts.main;
  if (facts.enabled === false && blocks.length > 0) {
    log.warn('pf was off, and its main ruleset blocks: those rules are in force as well while snet runs', {
      rules: blocks.length,
      first: blocks[0],
    });
  }
  if (facts.main.sharing) {
    log.info(
      'Internet Sharing or a network of virtual machines is on: what comes from there is not redirected',
    );
  }
}

/** Loads /etc/pf.conf, and says what that costs. @param why for the log. @throws RedirectError */
export async function reloadMain(runner: Runner, log: Log, why: readonly string[]): Promise<void> {
  log.warn(
    'loading /etc/pf.conf anew, as configured: anchors that other programs have put into the main ruleset meanwhile are lost until they put them in again',
    { why: why.join('; ') },
  );
  await execute(runner, RELOAD_MAIN);
}
