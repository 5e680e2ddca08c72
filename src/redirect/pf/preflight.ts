/** Finds out, before any rule is in, what would keep our rules from catching anything: facts apart from judgement. */
import type { Runner } from '../../base/runner.ts';
import type { RedirectStatus } from '../redirect.ts';
import { isEnabledIn, isSkippedIn, mainRulesetIn, type MainRuleset } from './listings.ts';
import { execute, INFO, LOOPBACK, MAIN_FILTER, MAIN_TRANSLATION } from './pfctl.ts';

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
  'Load the system’s own rules anew: sudo pfctl -f /etc/pf.conf. Or have snet do so: "redirect": { "reload-pf-conf": true }. Anchors that others have put in meanwhile (Internet Sharing, virtual machines, VPN applications) are lost by that until those programs put them in again.';

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
