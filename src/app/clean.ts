/** `snet clean`: takes out what any earlier run may have left. Needs no config, no name resolution and no free port. */
import { systemRunner } from '../base/runner.ts';
import { cleanConntrack } from '../redirect/conntrack/forget.ts';
import { cleanIptables } from '../redirect/iptables/iptables.ts';
import { cleanNftables } from '../redirect/nftables/nftables.ts';
import { requireRoot } from './root.ts';

/**
 * @returns what was removed, one phrase each; empty if there was nothing
 * @throws RedirectError if a running snet holds the rules (they are not leftovers), or they could not be removed
 */
export async function cleanMachine(): Promise<string[]> {
  requireRoot('remove rules from the kernel');
  return [...(await cleanNftables()), ...(await cleanIptables(systemRunner)), ...cleanConntrack()];
}
