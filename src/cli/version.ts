/** `snet version`: which build this is. */
import { arch, platform } from 'node:os';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson } from './output.ts';
import { STAMP } from './stamp.ts';

export const version = command({
  meta: { name: 'version', description: 'Print which build this is' },
  args: { json: { type: 'boolean', description: 'Print it as JSON' } },
  examples: ['snet version --json'],
  async run({ args: { json } }) {
    const target = `${platform()}-${arch()}`;
    if (json) await printJson({ ...STAMP, bun: Bun.version, target });
    else
      await print(
        `snet ${STAMP.version} (commit ${STAMP.commit}, built ${STAMP.built}, Bun ${Bun.version}, ${target})`,
      );
    return EXIT.ok.code;
  },
});
