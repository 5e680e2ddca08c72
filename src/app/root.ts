/** Who may change the kernel's rules, and make namespaces. */
import { readFileSync } from 'node:fs';
import { SnetError } from '../base/errors.ts';

/** include/uapi/linux/capability.h; and how a container is started that has it. */
const CAPABILITIES = {
  NET_ADMIN: { bit: 12n, flag: '--cap-add=NET_ADMIN' },
  // By itself it is of no use: what is mounted and which calls are let through stands in its way, too.
  SYS_ADMIN: { bit: 21n, flag: '--privileged' },
} as const;

export type Capability = keyof typeof CAPABILITIES;

export type RootStatus =
  | 'ERR_NOT_ROOT'
  /** Root, as in a container, but without the capability that counts. */
  | `ERR_${Capability}_PERMISSION`;

export class RootError extends SnetError<RootStatus> {}

/**
 * @param purpose what they are needed for, behind "may"
 * @param needed the most demanding first
 * @throws RootError
 */
export function requireRoot(purpose: string, needed: readonly Capability[] = ['NET_ADMIN']): void {
  if (process.getuid?.() !== 0) {
    throw new RootError('ERR_NOT_ROOT', `only root may ${purpose}`, {
      hint: 'Run the same command with sudo.',
    });
  }
  const lacking = lackingOf(ownStatus(), needed);
  const [first] = lacking;
  if (first === undefined) return;
  const names = lacking.map((capability) => `CAP_${capability}`).join(' and ');
  throw new RootError(`ERR_${first}_PERMISSION`, `root without ${names} may not ${purpose}`, {
    hint: `In a container: start it with ${CAPABILITIES[first].flag}.`,
  });
}

/**
 * Which of the capabilities a process has not.
 * @param status text of /proc/PID/status (proc(5)); CapEff is a hexadecimal mask
 * @returns none also where there is no such text: the kernel itself will refuse
 */
export function lackingOf(status: string, needed: readonly Capability[]): Capability[] {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return [];
  const held = BigInt(`0x${mask}`);
  return needed.filter((capability) => (held & (1n << CAPABILITIES[capability].bit)) === 0n);
}

function ownStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
