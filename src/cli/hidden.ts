/** Roles that this program starts itself in, by a first argument that nobody types. */
import { UsageError } from './usage_error.ts';

/** @returns the exit code */
export async function runHidden([role, ...argv]: readonly string[]): Promise<number> {
  // One after the other: the guardian lives as long as the proxy, and should not hold the demo's modules.
  const { GUARDIAN_ARG, runGuardian } = await import('../redirect/guardian/guardian.ts');
  if (role === GUARDIAN_ARG) {
    const { hostPlatform } = await import('../app/platform/select_platform.ts');
    return runGuardian((owner) => hostPlatform.undoAfter(owner));
  }
  const { DEMO_ARG, runDemoRole } = await import('../demo/role.ts');
  if (role === DEMO_ARG) return runDemoRole(argv);
  throw new UsageError('unknown role', 'see snet --help');
}
