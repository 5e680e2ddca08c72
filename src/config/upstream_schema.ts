/** The form of what the file has under `upstream`: a share link, an object by its `type`, or a list of them. */
import * as v from 'valibot';
import type { HttpConfig, ShadowsocksConfig, Socks5Config, TunnelConfig, UpstreamConfig } from './config.ts';
import { httpCredentials, socks5Credentials } from './credentials.ts';
import { HOST_FORM, parseHost } from './host.ts';
import { Fault, parsedBy } from './leaf.ts';
import { duration, port, SECRET, secret } from './leaf_schemas.ts';
import { PLUGIN } from './plugin_schema.ts';
import { parseShareLink, SHARE_LINK_FORM } from './share_link.ts';
import { checkedPassword } from './shadowsocks_key.ts';
import { parseMethod, SHADOWSOCKS_METHODS } from './shadowsocks_methods.ts';
import { parseSubscriptionUrl, SUBSCRIPTION_FORM } from './subscription_url.ts';
import { DEFAULT_TLS } from './tls_options.ts';
import { tls } from './tls_schema.ts';
import { parseToken } from './tunnel_link.ts';

const SHARE_LINK = v.pipe(
  v.string(),
  v.metadata({
    title: SHARE_LINK_FORM,
    description: 'A share link: ss:// (SIP002), http://, https://, socks5:// or snet+tls://.',
    ...SECRET,
  }),
  parsedBy(parseShareLink),
);

/** What is reached through something is reached through the same kinds of things. */
const VIA: v.GenericSchema<unknown, UpstreamConfig> = v.lazy(() => UPSTREAM);

const type = <const Name extends string>(name: Name) =>
  v.pipe(
    v.literal(name),
    v.description('What its server speaks; subscription: a list of upstreams is fetched.'),
  );

/** @param names what holds unless the file says so */
const server = (names: boolean) => ({
  server: v.pipe(
    v.string(),
    v.metadata({ title: HOST_FORM, description: 'Where the server is.' }),
    parsedBy(parseHost),
  ),
  port: port('Port of the server.'),
  via: v.optional(
    v.pipe(
      VIA,
      v.metadata({
        title: 'a share link, or an object like this one',
        description: 'Another upstream, which the server is reached through. At most 4 in a row.',
      }),
    ),
  ),
  names: v.optional(
    v.pipe(
      v.boolean(),
      v.description('Whether the server is told the name of a target, where one is known, and resolves it.'),
    ),
    names,
  ),
  tag: v.optional(v.pipe(v.string(), v.description('A name for it, in logs.'))),
});

const SHADOWSOCKS = v.strictObject({
  type: type('shadowsocks'),
  ...server(false),
  method: v.pipe(
    v.string(),
    v.metadata({
      title: 'a method such as "aes-256-gcm"',
      description: 'Cipher, as on the server.',
      examples: [...SHADOWSOCKS_METHODS],
    }),
    parsedBy(parseMethod),
  ),
  password: v.pipe(
    v.string(),
    v.minLength(1),
    v.metadata({
      description: 'Password, as on the server; for a 2022 method base64 of its key.',
      ...SECRET,
    }),
  ),
  'raw-key': v.optional(
    v.pipe(
      v.boolean(),
      v.description('The password is base64 of the key itself. For servers that were given a key.'),
    ),
    false,
  ),
  plugin: v.optional(v.pipe(PLUGIN, v.description('A program that carries it in something else (SIP003).'))),
});

function shadowsocksOf(file: v.InferOutput<typeof SHADOWSOCKS>): ShadowsocksConfig | Fault {
  const { 'raw-key': isRaw, plugin, via, tag, ...rest } = file;
  const password = checkedPassword(rest.method, rest.password, isRaw);
  if (password instanceof Fault) return password;
  if (plugin && via) {
    return new Fault('none beside a plugin', {
      found: 'a server in between',
      hint: 'the plugin is what connects to the server, and it connects directly',
      at: 'via',
    });
  }
  return {
    ...rest,
    password,
    ...(isRaw && { rawKey: true }),
    plugin,
    via,
    tag,
  };
}

const BELIEF = 'What its certificate has to be.';

const credentials = {
  user: v.optional(v.pipe(v.string(), v.description('Who we are to it. Left out: it asks for nobody.'))),
  password: v.optional(secret('Password of the user.')),
};

const HTTP = v.strictObject({
  type: type('http'),
  ...server(true),
  ...credentials,
  tls: v.optional(
    v.pipe(v.union([v.boolean(), tls(BELIEF)]), v.description('TLS to the proxy, as https:// has it.')),
    false,
  ),
});

function httpOf(file: v.InferOutput<typeof HTTP>): HttpConfig | Fault {
  const { user, password, tls, via, tag, ...rest } = file;
  const found = httpCredentials({ user, password });
  if (found instanceof Fault) return found;
  return {
    ...rest,
    ...found,
    tls: tls === true ? DEFAULT_TLS : tls === false ? undefined : tls,
    via,
    tag,
  };
}

const SOCKS5 = v.strictObject({ type: type('socks5'), ...server(true), ...credentials });

function socks5Of(file: v.InferOutput<typeof SOCKS5>): Socks5Config | Fault {
  const { user, password, via, tag, ...rest } = file;
  const found = socks5Credentials({ user, password });
  return found instanceof Fault ? found : { ...rest, ...found, via, tag };
}

const TUNNEL = v.strictObject({
  type: type('tls'),
  ...server(false),
  token: v.pipe(secret('What the server knows us by.'), parsedBy(parseToken)),
  tls: v.optional(tls(BELIEF), {}),
});

function tunnelOf({ via, tag, ...rest }: v.InferOutput<typeof TUNNEL>): TunnelConfig {
  return { ...rest, via, tag };
}

const SUBSCRIPTION = v.strictObject({
  type: type('subscription'),
  url: v.pipe(
    v.string(),
    v.metadata({
      title: SUBSCRIPTION_FORM,
      description: 'Where a list of upstreams is: a SIP008 document, or share links, in base64 or plain.',
      ...SECRET,
    }),
    parsedBy(parseSubscriptionUrl),
  ),
  refresh: v.optional(duration('How often it is fetched anew.', 1000), '12h'),
});

const UPSTREAM_OBJECT = v.variant('type', [SHADOWSOCKS, HTTP, SOCKS5, TUNNEL]);
const ENTRY_OBJECT = v.variant('type', [SHADOWSOCKS, HTTP, SOCKS5, TUNNEL, SUBSCRIPTION]);

function upstreamOf(file: v.InferOutput<typeof UPSTREAM_OBJECT>): UpstreamConfig | Fault {
  switch (file.type) {
    case 'shadowsocks':
      return shadowsocksOf(file);
    case 'http':
      return httpOf(file);
    case 'socks5':
      return socks5Of(file);
    default:
      return tunnelOf(file);
  }
}

/** One of the list: an upstream, or where to find some. */
export type Entry = UpstreamConfig | v.InferOutput<typeof SUBSCRIPTION>;

function entryOf(file: v.InferOutput<typeof ENTRY_OBJECT>): Entry | Fault {
  return file.type === 'subscription' ? file : upstreamOf(file);
}

const UPSTREAM = v.union([SHARE_LINK, v.pipe(UPSTREAM_OBJECT, parsedBy(upstreamOf))]);
const ENTRY = v.pipe(ENTRY_OBJECT, parsedBy(entryOf));

function checkedList(list: Entry[]): Entry[] | Fault {
  return list.length > 0 ? list : new Fault('at least one upstream', { found: 'an empty list' });
}

export const UPSTREAMS = v.union([
  SHARE_LINK,
  ENTRY,
  v.pipe(v.array(v.union([SHARE_LINK, ENTRY])), v.title('a list of them'), parsedBy(checkedList)),
]);

/** What the JSON Schema says once, by name. */
export const DEFINITIONS = {
  link: SHARE_LINK,
  shadowsocks: SHADOWSOCKS,
  http: HTTP,
  socks5: SOCKS5,
  tls: TUNNEL,
  subscription: SUBSCRIPTION,
  upstream: UPSTREAM,
};
