/** `snet clean`: takes out what any earlier run may have left. Needs no config, no name resolution and no free port. */
import type { Platform } from './platform/platform.ts';
import { hostPlatform } from './platform/select_platform.ts';
import { requireRoot } from './root.ts';

/**
 * @returns what was removed, one phrase each; empty if there was nothing
 * @throws RedirectError if a running snet holds the rules (they are not leftovers), or they could not be removed
 */
export async function cleanMachine(platform: Platform = hostPlatform): Promise<string[]> {
  requireRoot('remove rules from the kernel');
  return platform.clean();
}
