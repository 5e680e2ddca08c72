/** `snet check`: is the configuration right, and what does it come to? */
import { ConfigError } from '../config/error.ts';
import { loadServer } from '../config/load_server.ts';
import { effective, effectiveServer } from '../config/redact.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { printJson, warn } from './output.ts';
import { loadFrom, overridesOf } from './sources.ts';

export const check = command({
  meta: { name: 'check', description: 'Check a configuration file and print what is effective' },
  args: {
    config: {
      type: 'string',
      alias: 'c',
      valueHint: 'FILE',
      required: true,
      description: 'Configuration file, of this program or of the Go program',
    },
    json: { type: 'boolean', description: 'Print the findings as JSON, the problems too' },
  },
  examples: ['snet check -c snet.json', 'snet check -c old.json --json'],
  async run({ args: { config: file, json } }) {
    try {
      const { config, format, warnings } = await effectiveOf(file);
      for (const warning of warnings) warn(warning);
      await printJson(json ? { ok: true, format, warnings, config } : config);
      return EXIT.ok.code;
    } catch (error) {
      if (json && error instanceof ConfigError) {
        await printJson({ ok: false, status: error.status, problems: error.problems });
      }
      throw error;
    }
  },
});

/** A file that has a far end needs no upstream. */
async function effectiveOf(file: string) {
  try {
    const loaded = await loadFrom({ file, overrides: overridesOf({}, process.env) });
    return { ...loaded, config: effective(loaded.config, loaded.server) };
  } catch (error) {
    if (!(error instanceof ConfigError) || error.status !== 'ERR_CONFIG_NO_UPSTREAM') throw error;
    const server = await loadServer(file);
    if (server === undefined) throw error;
    return { ...server, format: 'snet', config: effectiveServer(server.config) };
  }
}
