/** `snet server`: the far end, that clients reach the Internet through. */
import { LOG_LEVELS } from '../base/log.ts';
import { ConfigError } from '../config/error.ts';
import { loadServer, serverOf, type LoadedServer } from '../config/load_server.ts';
import { parseHost } from '../config/host.ts';
import { Fault } from '../config/leaf.ts';
import { descriptionOf } from '../config/schema_walk.ts';
import { FILE } from '../config/schema.ts';
import type { ServerConfig } from '../config/server_config.ts';
import { command } from './command.ts';
import { print, warn } from './output.ts';
import {
  composeServer,
  DEFAULT_LISTEN,
  DEFAULT_METHOD,
  PASSWORD_VARIABLE,
  type ServerFlags,
} from './server_flags.ts';
import { asUsage } from './sources.ts';
import { STAMP } from './stamp.ts';
import { shownArgument } from './strict.ts';
import { UsageError } from './usage_error.ts';

export const server = command({
  meta: {
    name: 'server',
    description: 'Be the proxy server: for snet, for phones, for any client of Shadowsocks',
  },
  args: {
    config: {
      type: 'string',
      alias: 'c',
      valueHint: 'FILE',
      description: 'Configuration file with a "server" in it; without one, the flags say what is served',
    },
    method: {
      type: 'string',
      valueHint: 'METHOD',
      description: `Shadowsocks method, as at the clients. Default ${DEFAULT_METHOD}`,
    },
    listen: {
      type: 'string',
      valueHint: 'ADDRESS:PORT',
      description: `Where to listen; a port alone is all addresses. Default ${DEFAULT_LISTEN}`,
    },
    password: {
      type: 'string',
      valueHint: 'PASSWORD',
      description: `Other users can see it in ps: ${PASSWORD_VARIABLE} or a file hide it. Left out, one is made`,
    },
    user: {
      type: 'string',
      valueHint: 'NAME[=KEY]',
      description:
        'A client that is told apart, with a key of its own; may be repeated. Left out, a key is made',
    },
    ports: { type: 'string', valueHint: 'PORTS', description: descriptionOf(FILE, ['server', 'ports']) },
    'allow-private': { type: 'boolean', description: descriptionOf(FILE, ['server', 'allow-private']) },
    control: { type: 'string', valueHint: 'PATH', description: descriptionOf(FILE, ['server', 'control']) },
    host: {
      type: 'string',
      valueHint: 'HOST',
      description: 'What clients know this server by, in the links; else an address of this machine',
    },
    links: { type: 'boolean', description: 'Print the links of a file, too, which has the passwords in it' },
    qr: { type: 'boolean', description: 'Print QR codes of the links, also if stdout is no terminal' },
    'log-level': {
      type: 'enum',
      options: [...LOG_LEVELS],
      description: descriptionOf(FILE, ['log', 'level']),
    },
  },
  repeatable: ['user'],
  examples: [
    'snet server',
    'SNET_PASSWORD=… snet server --method aes-256-gcm --listen 0.0.0.0:8388',
    'snet server --user alice --user bob --host proxy.example.com',
    'sudo snet server -c server.json',
  ],
  async run({ args, data }) {
    const lists = data as ReadonlyMap<string, readonly string[]>;
    const host = hostOf(args.host);
    const flags = {
      ...args,
      users: lists.get('user') ?? [],
      allowPrivate: args['allow-private'],
      logLevel: args['log-level'],
    };
    const { config, warnings } = await load(args.config, flags);
    for (const warning of warnings) warn(warning);
    const { serveProgram } = await import('../app/serve.ts');
    return serveProgram(config, {
      version: STAMP.version,
      reload: args.config === undefined ? undefined : async () => (await load(args.config, flags)).config,
      ready: async () => {
        if (args.config === undefined || args.links || args.qr)
          await printLinks(config, host, args.qr ?? false);
      },
    });
  },
});

/** With a file, all is in it but what is said of the links, and the level of the log. */
const OF_THE_FILE = ['method', 'listen', 'password', 'ports', 'control'] as const;

async function load(file: string | undefined, flags: ServerFlags): Promise<LoadedServer> {
  if (file !== undefined) {
    const given = OF_THE_FILE.find((name) => flags[name] !== undefined);
    const flag =
      given ?? (flags.users.length > 0 ? 'user' : flags.allowPrivate ? 'allow-private' : undefined);
    if (flag !== undefined)
      throw new UsageError(`--config and --${flag} exclude each other`, 'the file says what is served');
    const level = { path: ['log', 'level'], value: flags.logLevel, where: '--log-level' };
    const loaded = await loadServer(file, level.value === undefined ? [] : [level]);
    return loaded ?? refuseFile(file);
  }
  if (flags.method === 'tls')
    throw new UsageError(
      '--method: found "tls", expected a method of Shadowsocks',
      'the TLS tunnel wants a certificate, and so a file: snet server -c FILE, with a listener of "type": "tls"',
    );
  const { document, warnings } = composeServer(flags, process.env);
  try {
    return { config: serverOf(document, process.cwd()), warnings };
  } catch (error) {
    throw asUsage(error);
  }
}

function refuseFile(file: string): never {
  throw new ConfigError('ERR_CONFIG_VALUE', [
    {
      where: file,
      key: 'server',
      found: 'nothing',
      expected: 'an object { "listeners": [ … ] }',
      hint: 'without a file, snet server --method METHOD --listen ADDRESS:PORT serves one port',
    },
  ]);
}

function hostOf(text: string | undefined): string | undefined {
  const host = text === undefined ? undefined : parseHost(text);
  if (!(host instanceof Fault)) return host;
  throw new UsageError(`--host: found ${shownArgument(text!)}, expected ${host.expected}`, host.hint);
}

/** On stdout: whoever has one may use the server. */
async function printLinks(config: ServerConfig, host: string | undefined, always: boolean): Promise<void> {
  const { PLACEHOLDER, shareLinksOf } = await import('../app/server/links.ts');
  const shared = shareLinksOf(config, host);
  const { isTTY } = process.stdout;
  for (const { link } of shared) {
    await print(link);
    if (!always && !isTTY) continue;
    const { renderQr } = await import('./qr.ts');
    await print(renderQr(link, isTTY));
  }
  if (shared.some(({ link }) => link.includes(PLACEHOLDER)))
    warn(`no address of this machine is public: put the server's in place of ${PLACEHOLDER}, or say --host`);
}
