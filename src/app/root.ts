/** Who may change the kernel's rules. */
import { readFileSync } from 'node:fs';
import { SnetError } from '../base/errors.ts';

export type RootStatus =
  | 'ERR_NOT_ROOT'
  /** Root, as in a container, but without the capability that counts. */
  | 'ERR_NET_ADMIN_PERMISSION';

export class RootError extends SnetError<RootStatus> {}

/** include/uapi/linux/capability.h */
const CAP_NET_ADMIN = 12n;

/** @throws RootError, which says what root is needed for */
export function requireRoot(purpose: string): void {
  if (process.getuid?.() !== 0) {
    throw new RootError('ERR_NOT_ROOT', `only root may ${purpose}`, {
      hint: 'Run the same command with sudo.',
    });
  }
  if (!mayChangeNetwork(ownStatus())) {
    throw new RootError('ERR_NET_ADMIN_PERMISSION', `root without CAP_NET_ADMIN may not ${purpose}`, {
      hint: 'In a container: start it with --cap-add=NET_ADMIN.',
    });
  }
}

/**
 * @param status text of /proc/self/status (proc(5)); CapEff is a hexadecimal mask
 * @returns true also where there is no such text: the kernel itself will refuse
 */
export function mayChangeNetwork(status: string): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return mask === undefined || (BigInt(`0x${mask}`) & (1n << CAP_NET_ADMIN)) !== 0n;
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
