/** The form of what the file has under `server`: the far end, as `snet server` has it. */
import * as v from 'valibot';
import type { Secret } from '../base/secret.ts';
import { Fault, parsedBy } from './leaf.ts';
import { duration, path, secret } from './leaf_schemas.ts';
import type { ListenerConfig, ShadowsocksListener, TlsListener } from './server_config.ts';
import { checkedServerPassword, hasIdentities } from './server_keys.ts';
import { LISTEN_FORM, parseListen, parsePorts, parseUser, PORTS_FORM, USER_FORM } from './server_leaves.ts';
import { isStreamMethod, parseMethod, SHADOWSOCKS_METHODS, WHY_INSECURE } from './shadowsocks_methods.ts';
import { parseToken } from './tunnel_link.ts';

const name = v.pipe(
  v.string(),
  v.metadata({ title: USER_FORM, description: 'What it is called in logs and counters.' }),
  parsedBy(parseUser),
);

const common = {
  listen: v.pipe(
    v.string(),
    v.metadata({ title: LISTEN_FORM, description: 'Where it listens.' }),
    parsedBy(parseListen),
  ),
};

const SHADOWSOCKS = v.strictObject({
  type: v.pipe(v.literal('shadowsocks'), v.description('What is spoken there.')),
  ...common,
  method: v.pipe(
    v.string(),
    v.metadata({
      title: 'a method such as "2022-blake3-aes-256-gcm"',
      description: 'Cipher, as at the clients.',
      examples: [...SHADOWSOCKS_METHODS],
    }),
    parsedBy(parseMethod),
  ),
  password: v.optional(
    secret(
      "Password of all clients; for a 2022 method base64 of its key. Beside users, and only for the 2022 methods with AES, the server's own key.",
    ),
  ),
  users: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          name,
          password: secret('Password of this user; for a 2022 method base64 of its key.'),
        }),
      ),
      v.description('Clients that are told apart.'),
    ),
    [],
  ),
});

const TLS = v.strictObject({
  type: v.pipe(v.literal('tls'), v.description('What is spoken there.')),
  ...common,
  cert: path('A PEM file with the certificate of the server, and behind it what that is signed by.'),
  key: path('A PEM file with its key.'),
  token: v.optional(
    v.pipe(secret('Token of all clients. Left out: users have their own.'), parsedBy(parseToken)),
  ),
  users: v.optional(
    v.pipe(
      v.array(v.strictObject({ name, token: v.pipe(secret('Token of this user.'), parsedBy(parseToken)) })),
      v.description('Clients that are told apart.'),
    ),
    [],
  ),
});

function listenerOf(
  file: v.InferOutput<typeof SHADOWSOCKS> | v.InferOutput<typeof TLS>,
): ListenerConfig | Fault {
  return file.type === 'tls' ? tlsOf(file) : shadowsocksOf(file);
}

function shadowsocksOf({
  listen,
  method,
  password,
  ...file
}: v.InferOutput<typeof SHADOWSOCKS>): ShadowsocksListener | Fault {
  if (isStreamMethod(method)) {
    const expected = `one of ${SHADOWSOCKS_METHODS.join(', ')}`;
    return new Fault(expected, { found: method, hint: WHY_INSECURE, at: 'method' });
  }
  const wants = hasIdentities(method);
  if (wants && password === undefined) {
    return new Fault("base64 of the server's key", { found: 'nothing', at: 'password' });
  }
  if (!wants && file.users.length > 0 && password !== undefined) {
    return new Fault('no password beside users', {
      found: 'one',
      hint: `${method} has no key but the users'`,
      at: 'password',
    });
  }
  if (password === undefined && file.users.length === 0) {
    return new Fault('a password, or users', { found: 'neither', at: 'password' });
  }
  const own = password === undefined ? undefined : checkedServerPassword(method, password);
  if (own instanceof Fault) return own.under('password');
  const users = usersOf(file.users.map((user) => [user.name, checkedServerPassword(method, user.password)]));
  return users instanceof Fault ? users : { type: 'shadowsocks', ...listen, method, password: own, users };
}

function tlsOf({ listen, cert, key, token, ...file }: v.InferOutput<typeof TLS>): TlsListener | Fault {
  if ((token === undefined) === (file.users.length === 0)) {
    const found = token === undefined ? 'neither' : 'both';
    return new Fault('a token, or users', { found, at: 'token' });
  }
  // Whoever has the one token has no name.
  const users = token
    ? new Map([['everybody', token]])
    : usersOf(file.users.map((user) => [user.name, user.token]));
  return users instanceof Fault ? users : { type: 'tls', ...listen, cert, key, users };
}

/** Who is told apart needs a name and a key that nobody else has. */
function usersOf(
  pairs: readonly (readonly [name: string, key: Secret | Fault])[],
): Map<string, Secret> | Fault {
  const users = new Map<string, Secret>();
  const keys = new Map<string, string>();
  for (const [name, key] of pairs) {
    if (key instanceof Fault) {
      const { expected, found, hint } = key;
      return new Fault(expected, { found: `${name} with ${found}`, hint, at: 'users' });
    }
    if (users.has(name))
      return new Fault('a name of its own for each user', { found: `${name} twice`, at: 'users' });
    const other = keys.get(key.reveal());
    if (other !== undefined) {
      const found = `the same for ${other} and ${name}`;
      return new Fault('a key of its own for each user', { found, at: 'users' });
    }
    users.set(name, key);
    keys.set(key.reveal(), name);
  }
  return users;
}

const most = (description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000), v.description(description));

export const LISTENER = v.pipe(v.variant('type', [SHADOWSOCKS, TLS]), parsedBy(listenerOf));

function checkedList(list: ListenerConfig[]): ListenerConfig[] | Fault {
  return list.length > 0 ? list : new Fault('at least one listener', { found: 'an empty list' });
}

const TIMEOUTS = v.strictObject({
  handshake: v.optional(
    duration(
      'A client that has not said by then, and under a key, where it wants to go is sent away; each is given this, and by chance up to twice as much.',
      1_000,
    ),
    '60s',
  ),
  drain: v.optional(duration('How long connections may go on after the signal to stop.', 0), '30s'),
});

export const SERVER = v.strictObject({
  listeners: v.pipe(
    v.array(LISTENER),
    v.description('Where it listens, and what is spoken there.'),
    parsedBy(checkedList),
  ),
  ports: v.optional(
    v.pipe(
      v.string(),
      v.metadata({
        title: PORTS_FORM,
        description:
          'Which ports clients may go to. Not 25 unless it is said: what comes there from a proxy is spam.',
      }),
      parsedBy(parsePorts),
    ),
    '1-24,26-65535',
  ),
  'allow-private': v.optional(
    v.pipe(
      v.boolean(),
      v.description('Let clients go to loopback, private and other special networks of the server, too.'),
    ),
    false,
  ),
  'max-per-client': v.optional(
    most('The most connections at once from one address, or one /64 of IPv6.'),
    4096,
  ),
  'max-strangers': v.optional(
    most(
      'The most connections of clients that have not shown yet that they know a key; the oldest has to go.',
    ),
    1024,
  ),
  timeouts: v.optional(
    v.pipe(TIMEOUTS, v.description("The far end's own; idle, half-closed and dial are those above.")),
    {},
  ),
  control: v.optional(path('A Unix socket to make, which tells the state and the counters.')),
});

/** What the file says of it, found right. */
export type ServerFile = v.InferOutput<typeof SERVER>;
