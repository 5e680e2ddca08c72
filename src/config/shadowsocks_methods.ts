/** Names of Shadowsocks methods. What they do is in upstream/shadowsocks; the configuration knows them by name only. */
import { Fault } from './leaf.ts';
import { nearest } from './nearest.ts';

/** SIP004; shadowsocks.org/doc/aead, and two that all implementations have besides. */
export const AEAD_METHODS = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
] as const;
export type AeadMethod = (typeof AEAD_METHODS)[number];

/** SIP022, with the bytes that a key has. */
export const KEY_SIZES_2022 = {
  '2022-blake3-aes-128-gcm': 16,
  '2022-blake3-aes-256-gcm': 32,
  '2022-blake3-chacha20-poly1305': 32,
} as const;
export type Method2022 = keyof typeof KEY_SIZES_2022;
export const METHODS_2022 = Object.keys(KEY_SIZES_2022) as Method2022[];

/**
 * shadowsocks.org/doc/stream, as far as the Go program's users need them to move over: they hide what is sent from
 * those who only look, but whoever is on the way can change bytes, and find out that it is Shadowsocks.
 */
export const STREAM_METHODS = [
  'aes-128-cfb',
  'aes-192-cfb',
  'aes-256-cfb',
  'aes-128-ctr',
  'aes-192-ctr',
  'aes-256-ctr',
  'chacha20-ietf',
  'rc4-md5',
] as const;
export type StreamMethod = (typeof STREAM_METHODS)[number];

export type ShadowsocksMethod = AeadMethod | Method2022 | StreamMethod;

/** Those that protect the traffic. */
export const SHADOWSOCKS_METHODS: readonly ShadowsocksMethod[] = [...METHODS_2022, ...AEAD_METHODS];

const ALL: readonly ShadowsocksMethod[] = [...SHADOWSOCKS_METHODS, ...STREAM_METHODS];

/** Other names of the same methods: go-shadowsocks2's, and V2Ray's short form. Lower case. */
const ALIASES: ReadonlyMap<string, AeadMethod> = new Map([
  ['aead_aes_128_gcm', 'aes-128-gcm'],
  ['aead_aes_192_gcm', 'aes-192-gcm'],
  ['aead_aes_256_gcm', 'aes-256-gcm'],
  ['aead_chacha20_poly1305', 'chacha20-ietf-poly1305'],
  ['aead_xchacha20_poly1305', 'xchacha20-ietf-poly1305'],
  ['chacha20-poly1305', 'chacha20-ietf-poly1305'],
  ['xchacha20-poly1305', 'xchacha20-ietf-poly1305'],
]);

/** Other stream ciphers, and none at all. */
const OTHER =
  /^(?:(?:aes|camellia)-(?:128|192|256)-(?:cfb(?:1|8|128)?|ctr|ofb)|(?:bf|cast5|des|idea|rc2|seed)-cfb|rc4(?:-md5(?:-6)?)?|x?chacha20|salsa20|table|none|plain|dummy)$/;

const EXPECTED = `one of ${SHADOWSOCKS_METHODS.join(', ')}`;

/** Reads a method's name, in any case, or an alias of it; those of stream ciphers, too. */
export function parseMethod(text: string): ShadowsocksMethod | Fault {
  const name = text.toLowerCase();
  const known = ALL.find((method) => method === name) ?? ALIASES.get(name);
  if (known) return known;
  if (OTHER.test(name)) {
    const hint = 'this method does not protect the traffic and is not supported; set another on the server';
    return new Fault(EXPECTED, { found: name, hint });
  }
  const near = nearest(name, [...SHADOWSOCKS_METHODS, ...ALIASES.keys()]);
  // A name that resembles none may be a password in the wrong place: not shown.
  if (near === undefined) return new Fault(EXPECTED, { found: 'an unknown name' });
  return new Fault(EXPECTED, { found: JSON.stringify(text), hint: `did you mean ${near}?` });
}

export function isMethod2022(method: ShadowsocksMethod): method is Method2022 {
  return Object.hasOwn(KEY_SIZES_2022, method);
}

export function isStreamMethod(method: ShadowsocksMethod): method is StreamMethod {
  return (STREAM_METHODS as readonly ShadowsocksMethod[]).includes(method);
}

/** What is to be known before a stream method is used. */
export const WHY_INSECURE =
  'this method has no authentication: anybody on the way can change bytes unnoticed, and find out that this is Shadowsocks';

/** For a stream method that nobody has allowed. */
export function refuseStream(method: StreamMethod): Fault {
  const hint = `${WHY_INSECURE}; set another on the server, or "allow-insecure-ciphers": true in the file`;
  return new Fault(EXPECTED, { found: method, hint });
}
