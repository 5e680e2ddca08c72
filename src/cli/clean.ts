/** `snet clean`: takes out of the kernel what an earlier run may have left. Needs no configuration. */
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson } from './output.ts';

export const clean = command({
  meta: { name: 'clean', description: 'Remove what an earlier run may have left behind' },
  args: { json: { type: 'boolean', description: 'Print what was removed as JSON' } },
  examples: ['sudo snet clean'],
  async run({ args: { json } }) {
    const { cleanMachine } = await import('../app/clean.ts');
    const removed = await cleanMachine();
    if (json) await printJson({ removed });
    else
      await print(
        removed.length === 0 ? 'nothing to remove' : removed.map((what) => `removed ${what}`).join('\n'),
      );
    return EXIT.ok.code;
  },
});
