/** Kernel variables, by sysctl(8). */
import type { Runner } from '../../base/runner.ts';
import { RedirectError } from '../redirect.ts';
import { execute } from './pfctl.ts';

/**
 * Whether TCP leaves it to network cards to cut what is sent into segments. It decides by the card of the route, but what we
 * turn round leaves on lo0, which can't cut: pf drops what is too long (pf_route() in xnu's bsd/net/pf.c), and uploads crawl.
 * So it is off while our rules are in.
 */
const SEGMENTATION = 'net.inet.tcp.tso';

/** @throws RedirectError, also if it is no number */
export async function readSegmentation(runner: Runner): Promise<number> {
  const text = (await execute(runner, ['sysctl', '-n', SEGMENTATION])).stdout.trim();
  if (!/^\d{1,9}$/.test(text))
    throw new RedirectError('ERR_REDIRECT_COMMAND', `sysctl says that ${SEGMENTATION} is "${text}"`);
  return Number(text);
}

/** @throws RedirectError */
export async function writeSegmentation(runner: Runner, value: number): Promise<void> {
  await execute(runner, ['sysctl', `${SEGMENTATION}=${value}`]);
}
