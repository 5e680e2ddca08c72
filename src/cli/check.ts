/** `snet check`: is the configuration right, and what does it come to? */
import type { KeptReport } from '../app/subscriptions/kept.ts';
import { escaped } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/error.ts';
import { loadServer } from '../config/load_server.ts';
import { effective, effectiveServer } from '../config/redact.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { note, printJson, warn } from './output.ts';
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
      const { config, format, warnings, subscriptions } = await effectiveOf(file);
      for (const warning of warnings) warn(warning);
      if (!json) for (const line of subscriptions.flatMap(rendered)) note(line);
      await printJson(json ? { ok: true, format, warnings, config, subscriptions } : config);
      return EXIT.ok.code;
    } catch (error) {
      if (json && error instanceof ConfigError) {
        await printJson({ ok: false, status: error.status, problems: error.problems });
      }
      throw error;
    }
  },
});

/** A file that has a far end needs no upstream; of one that has both, both are checked. */
async function effectiveOf(file: string) {
  try {
    const { unreadable, ...loaded } = await loadFrom({ file, overrides: overridesOf({}, process.env) });
    // What runs leaves such an upstream out.
    if (unreadable.length > 0) throw new ConfigError('ERR_CONFIG_READ', unreadable);
    // What runs by the upstreams leaves alone what files the far end names.
    const far = loaded.server && (await loadServer(file));
    const warnings = [...new Set([...loaded.warnings, ...(far?.warnings ?? [])])];
    const config = effective(loaded.config, loaded.server);
    return { ...loaded, warnings, config, subscriptions: await subscriptionsOf(loaded.config) };
  } catch (error) {
    if (!(error instanceof ConfigError) || error.status !== 'ERR_CONFIG_NO_UPSTREAM') throw error;
    const server = await loadServer(file);
    if (server === undefined) throw error;
    return { ...server, format: 'snet', config: effectiveServer(server.config), subscriptions: [] };
  }
}

/** What is kept of each; nothing is fetched. */
async function subscriptionsOf(config: Config): Promise<readonly KeptReport[]> {
  if (config.subscriptions.length === 0) return [];
  const { keepingOf, reportKept } = await import('../app/subscriptions/kept.ts');
  return Promise.all(config.subscriptions.map((one) => reportKept(one, keepingOf(config))));
}

/** Lines for a person. */
function rendered({ subscription, upstreams, bad = [], fetched, problem }: KeptReport): string[] {
  if (upstreams === undefined) return [`${subscription}: ${problem}`];
  const count = upstreams === 1 ? '1 upstream' : `${upstreams} upstreams`;
  return [
    `${subscription}: ${count}, ${bad.length} left out, fetched ${fetched}`,
    ...bad.map(({ number, reason }) => `${subscription}: number ${number} is left out: ${escaped(reason)}`),
  ];
}
