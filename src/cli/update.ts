/** `snet update`: fetches newer address ranges and the domain lists that the configuration names by URL. */
import { resolve } from 'node:path';
import type { UpdateReport } from '../app/update.ts';
import type { DnsConfig } from '../config/dns_config.ts';
import { STATE_DIRECTORY } from '../config/dns_schema.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, warn } from './output.ts';
import { loadFrom, overridesOf } from './sources.ts';

const NO_LISTS: DnsConfig['lists'] = { china: [], foreign: [], block: [] };

export const update = command({
  meta: {
    name: 'update',
    description:
      'Fetch newer address ranges of China and the domain lists; a running snet takes them at its next reload',
  },
  args: {
    config: {
      type: 'string',
      alias: 'c',
      valueHint: 'FILE',
      description: 'Configuration file; without one, only the address ranges are fetched',
    },
    directory: {
      type: 'string',
      valueHint: 'DIR',
      description: `Where to put them; else the cache directory of the file, or ${STATE_DIRECTORY}`,
    },
    force: {
      type: 'boolean',
      description: 'Take also what has lost more than half of what was there before',
    },
    json: { type: 'boolean', description: 'Print the report as JSON' },
  },
  examples: ['sudo snet update', 'sudo snet update -c snet.json && sudo pkill -HUP -x snet'],
  async run({ args: { config: file, directory, force, json } }) {
    const { hasFailed, runUpdate } = await import('../app/update.ts');
    const dns = file === undefined ? undefined : await dnsOf(file);
    const report = await runUpdate({
      stateDirectory: resolve(directory ?? dns?.cache.directory ?? STATE_DIRECTORY),
      lists: dns?.lists ?? NO_LISTS,
      force: force ?? false,
    });
    if (json) await printJson(report);
    else await printReport(report);
    return hasFailed(report) ? EXIT.failure.code : EXIT.ok.code;
  },
});

async function dnsOf(file: string): Promise<DnsConfig | undefined> {
  const { config, warnings } = await loadFrom({ file, overrides: overridesOf({}, process.env) });
  for (const warning of warnings) warn(warning);
  return config.dns;
}

/** What is new goes to stdout, what went wrong to stderr. */
async function printReport({ ranges, lists }: UpdateReport): Promise<void> {
  for (const problem of ranges.problems) warn(problem);
  const was = ranges.outcome === 'updated' ? `, before ${ranges.before}` : '';
  const size = `${ranges.v4} IPv4 and ${ranges.v6} IPv6 ranges of ${ranges.date}`;
  await print(`${ranges.outcome.padEnd(9)}  addresses in China: ${size}${was}`);
  for (const { url, uses, outcome, names, before, badLines, shown, problem } of lists) {
    if (problem !== undefined) warn(problem);
    for (const { line, text, why } of shown)
      warn(`${url}:${line}: ${why}, left out: ${JSON.stringify(text)}`);
    if (badLines > shown.length) warn(`${url}: ${badLines - shown.length} more such lines`);
    const count = names === undefined ? 'nothing to use' : `${names} names`;
    const was = outcome === 'updated' && before !== undefined ? `, before ${before}` : '';
    await print(`${outcome.padEnd(9)}  ${url} (${uses.join(', ')}): ${count}${was}`);
  }
}
