/** One Shadowsocks port on the command line, as the configuration file would say it. */
import type { Document } from '../config/document.ts';
import { Fault } from '../config/leaf.ts';
import { generatePassword, hasIdentities } from '../config/server_keys.ts';
import { isStreamMethod, parseMethod } from '../config/shadowsocks_methods.ts';

/** Its password, in the environment: `ps` shows arguments to every user. */
export const PASSWORD_VARIABLE = 'SNET_PASSWORD';

export const DEFAULT_METHOD = '2022-blake3-aes-256-gcm';
export const DEFAULT_LISTEN = '8388';

export interface ServerFlags {
  readonly method?: string | undefined;
  readonly listen?: string | undefined;
  readonly password?: string | undefined;
  /** `NAME=KEY`, or `NAME` for a new key. */
  readonly users: readonly string[];
  readonly ports?: string | undefined;
  readonly allowPrivate?: boolean | undefined;
  readonly control?: string | undefined;
  readonly logLevel?: string | undefined;
}

export interface Composed {
  readonly document: Document;
  /** For a person: one line each, no secret. */
  readonly warnings: readonly string[];
}

/** Keys of the file that flags stand for. */
const FLAGS: Readonly<Record<string, string>> = {
  method: '--method',
  listen: '--listen',
  users: '--user',
  name: '--user',
  ports: '--ports',
  control: '--control',
  level: '--log-level',
};

/** What is not given of keys is made. */
export function composeServer(flags: ServerFlags, environment: NodeJS.ProcessEnv): Composed {
  const { method = DEFAULT_METHOD, listen = DEFAULT_LISTEN, ports, allowPrivate, control, logLevel } = flags;
  const generate = generatorFor(method);
  const fromEnvironment = environment[PASSWORD_VARIABLE] || undefined;
  const given = flags.password ?? fromEnvironment;
  const users = flags.users.map((text) => {
    const equals = text.indexOf('=');
    return equals < 0
      ? { name: text, password: generate.one() }
      : { name: text.slice(0, equals), password: text.slice(equals + 1) };
  });
  const password = given ?? (users.length === 0 || generate.hasIdentities ? generate.one() : undefined);
  const listener = { type: 'shadowsocks', method, listen, ...optional({ password }), users };
  const value = {
    server: { listeners: [listener], ...optional({ ports, 'allow-private': allowPrivate, control }) },
    ...(logLevel !== undefined && { log: { level: logLevel } }),
  };
  const whereOfPassword = flags.password === undefined ? PASSWORD_VARIABLE : '--password';
  return {
    document: {
      value,
      originOf(path) {
        const key = path.findLast((part) => typeof part === 'string') ?? '';
        const isUsers = path.includes('users');
        const where = isUsers ? '--user' : key === 'password' ? whereOfPassword : FLAGS[key];
        return { where: where ?? 'command line', key: undefined };
      },
    },
    warnings: warningsOf(flags, generate.count),
  };
}

function warningsOf({ password, users }: ServerFlags, generated: number): string[] {
  const shown = password !== undefined || users.some((text) => text.includes('='));
  return [
    ...(shown
      ? [
          `every user of this machine can see the password in ps; ${PASSWORD_VARIABLE} or a file (-c) hides it`,
        ]
      : []),
    ...(generated === 0
      ? []
      : users.length > 0
        ? ['passwords were made, others at each start; a file (-c) keeps them']
        : [`a password was made, another one at each start; ${PASSWORD_VARIABLE} or a file (-c) keeps it`]),
  ];
}

/** Of a method that is none no key can be made, and need not: that is what will be said. */
function generatorFor(text: string) {
  const method = parseMethod(text);
  const isServed = !(method instanceof Fault) && !isStreamMethod(method);
  return {
    count: 0,
    hasIdentities: isServed && hasIdentities(method),
    one(): string {
      this.count++;
      return isServed ? generatePassword(method).reveal() : 'none';
    },
  };
}

function optional(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
