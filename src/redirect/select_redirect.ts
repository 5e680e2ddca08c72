/** Which mechanism puts the rules in, and why: decided apart from doing it. */
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Runner } from '../base/runner.ts';
import { forgetting } from './conntrack/forget.ts';
import { cleanIptables, createIptables, probeIptables } from './iptables/iptables.ts';
import { cleanNftables, createNftables, probeNftables } from './nftables/nftables.ts';
import {
  LINUX_MECHANISMS,
  RedirectError,
  type LinuxMechanism,
  type Mechanism,
  type Redirect,
} from './redirect.ts';

/** Why a mechanism can't be used here; undefined if it can. */
export type Probes = Readonly<Record<LinuxMechanism, () => Promise<string | undefined>>>;

export interface Chosen {
  readonly mechanism: LinuxMechanism;
  /** For one log line. */
  readonly why: string;
}

/**
 * The first of {@link LINUX_MECHANISMS} that works here, or the one that is wanted, if it does.
 * @throws RedirectError ERR_REDIRECT_UNSUPPORTED, with the reason of each that was tried
 */
export async function chooseMechanism(preference: Mechanism | 'auto', probes: Probes): Promise<Chosen> {
  const reasons: string[] = [];
  for (const mechanism of preference === 'auto' ? LINUX_MECHANISMS : [preference]) {
    if (mechanism === 'pf') {
      reasons.push('not pf: that is macOS’s');
      continue;
    }
    const reason = await probes[mechanism]();
    if (reason === undefined) {
      const forced = preference === 'auto' ? [] : ['as configured'];
      return { mechanism, why: [...forced, ...reasons].join('; ') || 'the kernel has it' };
    }
    reasons.push(`not ${mechanism}: ${reason}`);
  }
  throw new RedirectError(
    'ERR_REDIRECT_UNSUPPORTED',
    `no way to redirect connections: ${reasons.join('; ')}`,
    {
      hint:
        preference === 'auto'
          ? 'A kernel with nf_tables (5.12 or newer) is enough; else install iptables and ipset (Debian: apt install iptables ipset).'
          : 'Leave the choice to snet: --redirect auto.',
    },
  );
}

/**
 * Probes, chooses and makes; no rule is in the kernel yet. What an earlier run left of the other mechanism is taken
 * out: it would redirect beside ours, perhaps to a port where nobody listens.
 * @throws RedirectError as {@link chooseMechanism}; ERR_REDIRECT_HELD if it belongs to a snet that runs
 */
export async function selectRedirect(
  preference: Mechanism | 'auto',
  log: Log,
  runner: Runner,
): Promise<{ readonly redirect: Redirect; readonly why: string }> {
  const { mechanism, why } = await chooseMechanism(preference, {
    nftables: () => Promise.resolve(probeNftables()),
    iptables: () => probeIptables(runner),
  });
  await takeOutLeft(mechanism === 'nftables' ? () => cleanIptables(runner) : cleanNftables, log);
  const redirect = mechanism === 'nftables' ? createNftables(log) : createIptables({ runner, log });
  return { redirect: forgetting(redirect, log), why };
}

async function takeOutLeft(clean: () => Promise<string[]>, log: Log): Promise<void> {
  try {
    const removed = await clean();
    if (removed.length > 0) log.warn('removed what an earlier run had left', { removed: removed.join(', ') });
  } catch (error) {
    if (!(error instanceof RedirectError) || error.status === 'ERR_REDIRECT_HELD') throw error;
    // A mechanism that we don't use may be broken here. That there is something left is the lesser possibility.
    log.warn('could not look for what an earlier run may have left', {
      status: error.status,
      reason: explain(error),
    });
  }
}
