/**
 * macOS keeps answers in two places: mDNSResponder, which asks for all programs, and Directory Services in front of it. What
 * they have kept was found without us when we start, and with us when we stop.
 */
import { explain } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Runner } from '../base/runner.ts';

/** dscacheutil(1); mDNSResponder(8): on SIGHUP it forgets what it knows. */
const FLUSHES = [
  ['dscacheutil', '-flushcache'],
  ['killall', '-HUP', 'mDNSResponder'],
] as const;

/** Milliseconds: of no importance so great that anybody should wait longer. */
const PATIENCE = 3_000;

/** Has macOS forget the answers that it keeps. Never rejects: what can't be done costs no more than the answers' time to live. */
export async function flushNameCaches(runner: Runner, log: Pick<Log, 'debug'>): Promise<void> {
  for (const argv of FLUSHES) {
    const command = argv.join(' ');
    try {
      const { code, stderr } = await runner.run(argv, { timeout: PATIENCE });
      if (code !== 0) log.debug('a cache of names is not flushed', { command, code, reason: stderr.trim() });
    } catch (error) {
      log.debug('a cache of names is not flushed', { command, reason: explain(error) });
    }
  }
}
