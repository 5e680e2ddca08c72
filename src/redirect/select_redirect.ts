/** Which mechanism puts the rules in, and why: decided apart from doing it. */
import type { Log } from '../base/log.ts';
import type { Runner } from '../base/runner.ts';
import { createIptables, probeIptables } from './iptables/iptables.ts';
import { createNftables, probeNftables } from './nftables/nftables.ts';
import { MECHANISMS, RedirectError, type Mechanism, type Redirect } from './redirect.ts';

/** Why a mechanism can't be used here; undefined if it can. */
export type Probes = Readonly<Record<Mechanism, () => Promise<string | undefined>>>;

export interface Chosen {
  readonly mechanism: Mechanism;
  /** For one log line. */
  readonly why: string;
}

/**
 * The first of {@link MECHANISMS} that works here, or the one that is wanted, if it does.
 * @throws RedirectError ERR_REDIRECT_UNSUPPORTED, with the reason of each that was tried
 */
export async function chooseMechanism(preference: Mechanism | 'auto', probes: Probes): Promise<Chosen> {
  const reasons: string[] = [];
  for (const mechanism of preference === 'auto' ? MECHANISMS : [preference]) {
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

/** Probes, chooses and makes; nothing is in the kernel yet. @throws RedirectError as {@link chooseMechanism} */
export async function selectRedirect(
  preference: Mechanism | 'auto',
  log: Log,
  runner: Runner,
): Promise<{ readonly redirect: Redirect; readonly why: string }> {
  const { mechanism, why } = await chooseMechanism(preference, {
    nftables: () => Promise.resolve(probeNftables()),
    iptables: () => probeIptables(runner),
  });
  const redirect = mechanism === 'nftables' ? createNftables(log) : createIptables({ runner, log });
  return { redirect, why };
}
