/**
 * Puts a plan into the kernel and holds it. The argument, and each line on stdin, is a plan as JSON (see plan.ts): the
 * first is applied, the others are updates; the line `apply PLAN` applies anew, `remove` removes. Every step is
 * answered by a line: `done MS`, or the error as JSON, after which the script goes on.
 */
import { createNftables } from '../../../../src/redirect/nftables/nftables.ts';
import { planOf, report, say } from './plan.ts';

const redirect = createNftables();

async function step(action: () => Promise<void>): Promise<void> {
  const started = performance.now();
  try {
    await action();
    say(`done ${(performance.now() - started).toFixed(1)}`);
  } catch (error) {
    say(report(error));
  }
}

await step(() => redirect.apply(planOf(process.argv[2]!)));
for await (const line of console) {
  if (line === 'remove') await step(() => redirect.remove());
  else if (line.startsWith('apply ')) await step(() => redirect.apply(planOf(line.slice(6))));
  else await step(() => redirect.update(planOf(line)));
}
