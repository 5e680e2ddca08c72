/**
 * Puts plans into the kernel, as it is told line by line on stdin, and answers each line with one: `done`, or the error
 * as JSON, or what was asked for.
 *
 *     apply PLAN | update PLAN | remove     with a plan as in ../../nftables/scripts/plan.ts
 *     logs                                  what was logged so far, as JSON
 *     sibling                               starts another child, which lives on for an hour; says its pid
 *
 * `--legacy` uses the programs of iptables' older variant, but for the guardian.
 */
import { silent, type Fields } from '../../../../src/base/log.ts';
import { systemRunner, type Runner } from '../../../../src/base/runner.ts';
import { GUARDIAN_ARG, runGuardian } from '../../../../src/redirect/guardian/guardian.ts';
import { createIptables } from '../../../../src/redirect/iptables/iptables.ts';
import { takeOutAfter } from '../../../../src/redirect/iptables/undo.ts';
import { planOf, report, say } from '../../nftables/scripts/plan.ts';

const [role] = process.argv.slice(2);
// The guardian is this very script, as it is snet itself otherwise.
if (role === GUARDIAN_ARG) process.exit(await runGuardian((owner) => takeOutAfter(systemRunner, owner)));

const legacy: Runner = {
  ...systemRunner,
  run: ([program, ...args], options) =>
    systemRunner.run([program!.replace(/tables-/, 'tables-legacy-'), ...args], options),
};

const logs: unknown[] = [];
const keep = (message: string, fields: Fields = {}) => void logs.push({ message, ...fields });
const redirect = createIptables({
  runner: role === '--legacy' ? legacy : systemRunner,
  log: {
    ...silent,
    info: keep,
    warn: keep,
    error: keep,
  },
});

async function obey(order: string, argument: string): Promise<string> {
  switch (order) {
    case 'apply':
      await redirect.apply(planOf(argument));
      return 'done';
    case 'update':
      await redirect.update(planOf(argument));
      return 'done';
    case 'remove':
      await redirect.remove();
      return 'done';
    case 'logs':
      return JSON.stringify(logs);
    case 'sibling':
      return String(systemRunner.start(['sleep', '3600']).pid);
    default:
      throw new Error(`no such order: ${order}`);
  }
}

say('ready');
for await (const line of console) {
  const [, order, argument] = /^(\w+) ?(.*)$/.exec(line)!;
  try {
    say(await obey(order!, argument!));
  } catch (error) {
    say(report(error));
  }
}
