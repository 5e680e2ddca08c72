/**
 * `select.ts PREFERENCE [--broken]`: chooses, and says as JSON what came of it and what was logged. With `--broken`
 * every other program fails.
 */
import { silent } from '../../../src/base/log.ts';
import { systemRunner, type Runner } from '../../../src/base/runner.ts';
import { LINUX_MECHANISMS } from '../../../src/redirect/redirect.ts';
import { selectRedirect } from '../../../src/redirect/select_redirect.ts';
import { report, say } from '../nftables/scripts/plan.ts';

const [preference, broken] = process.argv.slice(2);
const runner: Runner = broken
  ? { ...systemRunner, run: async () => ({ code: 1, stdout: '', stderr: 'no reason' }) }
  : systemRunner;
const logged: unknown[] = [];
const log = { ...silent, warn: (message: string, fields = {}) => void logged.push({ message, ...fields }) };
try {
  const wanted = LINUX_MECHANISMS.find((mechanism) => mechanism === preference) ?? 'auto';
  const { redirect, why } = await selectRedirect(wanted, log, runner);
  say(JSON.stringify({ mechanism: redirect.mechanism, why, logged }));
} catch (error) {
  say(report(error));
}
