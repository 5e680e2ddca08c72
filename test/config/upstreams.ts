/** Upstreams for tests of the configuration: any that a configuration may have, and their secrets in the open. */
import * as fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import type {
  HttpConfig,
  PluginConfig,
  ShadowsocksConfig,
  Socks5Config,
  TlsConfig,
  TunnelConfig,
  UpstreamConfig,
} from '../../src/config/config.ts';
import {
  AEAD_METHODS,
  KEY_SIZES_2022,
  METHODS_2022,
  STREAM_METHODS,
} from '../../src/config/shadowsocks_methods.ts';

/** The same value with its secrets as texts: what `toEqual` sees through. */
export function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]));
}

/** Every text that must not be shown. */
export function secretsOf(upstream: UpstreamConfig): string[] {
  const own = 'token' in upstream ? [upstream.token] : [upstream.password];
  const plugin = 'plugin' in upstream ? upstream.plugin?.options : undefined;
  return [
    ...own.map((secret) => secret?.reveal()),
    plugin,
    ...(upstream.via ? secretsOf(upstream.via) : []),
  ].filter((text) => text !== undefined);
}

const text = (minLength = 1) => fc.string({ unit: 'grapheme', minLength });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

export const server = fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('::1', '2001:db8::5'));

const place = {
  server,
  port: fc.integer({ min: 1, max: 65535 }),
  tag: optional(text()),
};

/** Texts that can be told apart from all else in a message. */
const password = fc.oneof(text(), fc.stringMatching(/^Correct-Horse-[a-z@:/?#%[\]+= ]{0,8}9$/));

const plugin: fc.Arbitrary<PluginConfig> = fc.record({
  program: fc.constantFrom('v2ray-plugin', 'obfs-local', '/opt/a b/plug;in=\\:x', 'ünïcode'),
  options: optional(
    fc.oneof(
      fc.constantFrom('obfs=http;obfs-host=a.example', 'tls;path=/a\\;b\\=c\\\\', 'a+b c&d#e%f'),
      text(),
    ),
  ),
});

const keyOf = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((key) => Buffer.from(key).toString('base64'));

const credential2022 = fc.constantFrom(...METHODS_2022).chain((method) => {
  const most = method === '2022-blake3-chacha20-poly1305' ? 1 : 3;
  const keys = fc.array(keyOf(KEY_SIZES_2022[method]), { minLength: 1, maxLength: most });
  return keys.map((all) => ({ method, password: new Secret(all.join(':')) }));
});

const credential = fc
  .tuple(fc.constantFrom(...AEAD_METHODS, ...STREAM_METHODS), password)
  .map(([method, secret]) => ({ method, password: new Secret(secret) }));

export const shadowsocks: fc.Arbitrary<ShadowsocksConfig> = fc
  .tuple(fc.record({ ...place, plugin: optional(plugin) }), fc.oneof(credential, credential2022))
  .map(([rest, credential]) => ({
    type: 'shadowsocks',
    ...rest,
    ...credential,
    via: undefined,
    names: false,
  }));

const pin = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const file = fc.stringMatching(/^\/[a-z+&=%? ]{1,9}\.pem$/);
const pair = fc.oneof(fc.record({ cert: file, key: file }), fc.constant({ cert: undefined, key: undefined }));

const tls: fc.Arbitrary<TlsConfig> = fc
  .tuple(
    fc.record({
      sni: optional(fc.domain()),
      ca: optional(file),
      pins: fc.array(pin, { maxLength: 2 }),
      insecure: fc.boolean(),
    }),
    pair,
  )
  .map(([rest, pair]) => ({ ...rest, ...pair }));

const NOBODY = fc.constant({ user: undefined, password: undefined });

const printable = (text: string) => !/\p{Cc}/u.test(text);
const httpUser = text(0).filter((user) => !user.includes(':') && printable(user));

export const http: fc.Arbitrary<HttpConfig> = fc
  .tuple(
    fc.record({ ...place, tls: optional(tls) }),
    fc.oneof(
      NOBODY,
      fc.record({ user: httpUser.filter((user) => user !== ''), password: fc.constant(undefined) }),
      fc.record({
        user: httpUser,
        password: fc
          .oneof(password, fc.constant(''))
          .filter(printable)
          .map((text) => new Secret(text)),
      }),
    ),
  )
  .map(([rest, credentials]) => ({ type: 'http', ...rest, ...credentials, via: undefined, names: true }));

export const socks5: fc.Arbitrary<Socks5Config> = fc
  .tuple(
    fc.record(place),
    fc.oneof(NOBODY, fc.record({ user: text(), password: password.map((text) => new Secret(text)) })),
  )
  .map(([rest, credentials]) => ({ type: 'socks5', ...rest, ...credentials, via: undefined, names: true }));

export const tunnel: fc.Arbitrary<TunnelConfig> = fc
  .record({ ...place, token: password.map((text) => new Secret(text)), tls })
  .map((rest) => ({ type: 'tls', ...rest, via: undefined, names: false }));

/** What a share link can say. */
export const linkable: fc.Arbitrary<UpstreamConfig> = fc.oneof(shadowsocks, http, socks5, tunnel);

/** Chains of up to 4, and names as nobody would have them by default. */
export const chained: fc.Arbitrary<UpstreamConfig> = fc
  .array(fc.tuple(linkable, fc.boolean()), { minLength: 1, maxLength: 4 })
  .map((hops) =>
    hops.reduce<UpstreamConfig | undefined>((via, [upstream, names]) => {
      const direct = 'plugin' in upstream && via ? { ...upstream, plugin: undefined } : upstream;
      return { ...direct, via, names };
    }, undefined)!,
  );
