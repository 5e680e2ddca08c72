/** Which run of the kernel this is: tokens, rules and sysctls of an earlier one are gone. */
import { RunError, type Runner } from '../../base/runner.ts';

/**
 * A random UUID that the kernel makes at boot (kern.bootsessionuuid); where there is none, the second in which it booted.
 * @returns undefined if the system tells neither
 */
export async function bootId(runner: Runner): Promise<string | undefined> {
  return (await bootUuid(runner)) ?? (await bootSecond(runner));
}

/** Was this id of the boot that we are in? What can't be found out is taken for so. */
export async function isOfThisBoot(runner: Runner, id: string): Promise<boolean> {
  const now = await (/^\d+$/.test(id) ? bootSecond(runner) : bootUuid(runner));
  return now === undefined || now === id;
}

async function bootUuid(runner: Runner): Promise<string | undefined> {
  const uuid = await sysctl(runner, 'kern.bootsessionuuid');
  return uuid !== undefined && /^[0-9A-F]{8}-[0-9A-F-]{1,55}$/i.test(uuid) ? uuid.toUpperCase() : undefined;
}

/** `{ sec = 1764000000, usec = 123456 } Mon Nov 24 16:00:00 2025` */
async function bootSecond(runner: Runner): Promise<string | undefined> {
  return /\bsec = (\d+)/.exec((await sysctl(runner, 'kern.boottime')) ?? '')?.[1];
}

async function sysctl(runner: Runner, name: string): Promise<string | undefined> {
  try {
    const { code, stdout } = await runner.run(['sysctl', '-n', name]);
    return code === 0 ? stdout.trim() : undefined;
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}
