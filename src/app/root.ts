/** Who may change the kernel's rules. */
import { SnetError } from '../base/errors.ts';

export class RootError extends SnetError<'ERR_NOT_ROOT'> {}

/** @throws RootError, which says what root is needed for */
export function requireRoot(purpose: string): void {
  if (process.getuid?.() === 0) return;
  throw new RootError('ERR_NOT_ROOT', `only root may ${purpose}`, {
    hint: 'Run the same command with sudo.',
  });
}
