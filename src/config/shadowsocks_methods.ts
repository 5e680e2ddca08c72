/** Names of Shadowsocks methods. What they do is in upstream/shadowsocks; the configuration knows them by name only. */
import { Fault } from './leaf.ts';
import { nearest } from './nearest.ts';

/** SIP004; shadowsocks.org/doc/aead, and two that all implementations have besides. */
export const SHADOWSOCKS_METHODS = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
] as const;
export type ShadowsocksMethod = (typeof SHADOWSOCKS_METHODS)[number];

/** Other names of the same methods: go-shadowsocks2's, and V2Ray's short form. Lower case. */
const ALIASES: ReadonlyMap<string, ShadowsocksMethod> = new Map([
  ['aead_aes_128_gcm', 'aes-128-gcm'],
  ['aead_aes_192_gcm', 'aes-192-gcm'],
  ['aead_aes_256_gcm', 'aes-256-gcm'],
  ['aead_chacha20_poly1305', 'chacha20-ietf-poly1305'],
  ['aead_xchacha20_poly1305', 'xchacha20-ietf-poly1305'],
  ['chacha20-poly1305', 'chacha20-ietf-poly1305'],
  ['xchacha20-poly1305', 'xchacha20-ietf-poly1305'],
]);

/** SIP022. */
const EDITION_2022 = /^2022-blake3-[a-z0-9-]{1,24}$/;

/** The stream ciphers of shadowsocks.org/doc/stream, all broken by design: whoever is on the way can change bytes. */
const STREAM =
  /^(?:(?:aes|camellia)-(?:128|192|256)-(?:cfb8?|ctr|ofb)|(?:bf|cast5|des|idea|rc2|seed)-cfb|rc4(?:-md5(?:-6)?)?|x?chacha20(?:-ietf)?|salsa20|table|none|plain|dummy)$/;

const EXPECTED = `one of ${SHADOWSOCKS_METHODS.join(', ')}`;

/** Reads a method's name, in any case, or an alias of it. */
export function parseMethod(text: string): ShadowsocksMethod | Fault {
  const name = text.toLowerCase();
  const known = SHADOWSOCKS_METHODS.find((method) => method === name) ?? ALIASES.get(name);
  if (known) return known;
  if (EDITION_2022.test(name)) {
    return new Fault(EXPECTED, { found: name, hint: 'the 2022 methods are not supported yet' });
  }
  if (STREAM.test(name)) {
    const hint = 'this method does not protect the traffic and is not supported; set another on the server';
    return new Fault(EXPECTED, { found: name, hint });
  }
  const near = nearest(name, [...SHADOWSOCKS_METHODS, ...ALIASES.keys()]);
  // A name that resembles none may be a password in the wrong place: not shown.
  if (near === undefined) return new Fault(EXPECTED, { found: 'an unknown name' });
  return new Fault(EXPECTED, { found: JSON.stringify(text), hint: `did you mean ${near}?` });
}
