/** `snet run`: the proxy itself. */
import { LOG_LEVELS } from '../base/log.ts';
import { MECHANISM_PREFERENCES, SCOPES } from '../config/config.ts';
import { descriptionOf } from '../config/schema_walk.ts';
import { DEFAULT_PORT, FILE } from '../config/schema.ts';
import { command } from './command.ts';
import { warn } from './output.ts';
import { loadFrom, overridesOf } from './sources.ts';
import { STAMP } from './stamp.ts';
import { UsageError } from './usage_error.ts';

export const run = command({
  meta: { name: 'run', description: 'Send connections through the proxy until Ctrl-C' },
  args: {
    url: {
      type: 'positional',
      required: false,
      description:
        'Share link of the server, or several in order of preference. Other users can see them in ps: SNET_UPSTREAM or a file hide them',
    },
    config: { type: 'string', alias: 'c', valueHint: 'FILE', description: 'Configuration file' },
    port: {
      type: 'string',
      valueHint: 'N',
      description: `${descriptionOf(FILE, ['listen', 'port'])} Default ${DEFAULT_PORT}.`,
    },
    scope: { type: 'enum', options: [...SCOPES], description: descriptionOf(FILE, ['scope']) },
    bypass: {
      type: 'string',
      valueHint: 'CIDR|HOST',
      description: 'What else goes straight out; may be repeated, adds to the file',
    },
    redirect: {
      type: 'enum',
      options: [...MECHANISM_PREFERENCES],
      description: descriptionOf(FILE, ['redirect', 'mechanism']),
    },
    'no-dns': {
      type: 'boolean',
      description: 'Leave DNS alone: names are resolved as they would be without snet',
    },
    'log-level': {
      type: 'enum',
      options: [...LOG_LEVELS],
      description: descriptionOf(FILE, ['log', 'level']),
    },
    verbose: { type: 'boolean', alias: 'v', description: 'The same as --log-level debug' },
  },
  repeatable: ['url', 'bypass'],
  examples: [
    'sudo snet run ss://METHOD:PASSWORD@HOST:PORT',
    'sudo snet run http://USER:PASSWORD@HOST:PORT snet+tls://TOKEN@HOST:PORT',
    'sudo snet run -c snet.json --scope global --bypass 203.0.113.0/24 --bypass git.example.com',
    'sudo --preserve-env=SNET_UPSTREAM snet run',
  ],
  async run({ args, data }) {
    const { verbose, 'log-level': level } = args;
    if (verbose && level !== undefined) throw new UsageError('--verbose and --log-level exclude each other');
    const lists = data as ReadonlyMap<string, readonly string[]>;
    // citty reads `--no-x` as x: false.
    const noDns = (args as { readonly dns?: boolean }).dns === false;
    const flags = {
      ...args,
      urls: lists.get('url'),
      noDns,
      bypass: lists.get('bypass'),
      logLevel: verbose ? 'debug' : level,
    };
    const sources = { file: args.config, overrides: overridesOf(flags, process.env) };
    const { config, warnings } = await loadFrom(sources);
    for (const warning of warnings) warn(warning);
    const { runProgram } = await import('../app/run.ts');
    return runProgram(config, {
      version: STAMP.version,
      configFile: args.config,
      reload: async () => (await loadFrom(sources)).config,
    });
  },
});
