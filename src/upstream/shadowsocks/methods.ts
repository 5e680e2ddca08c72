/** The AEAD methods of Shadowsocks (SIP004): https://shadowsocks.org/doc/aead.html */

export const METHOD_NAMES = [
  'aes-128-gcm',
  'aes-192-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  'xchacha20-ietf-poly1305',
] as const;
export type MethodName = (typeof METHOD_NAMES)[number];

/** Sizes are in bytes. A tag is 16 in all of them, see {@link TAG_SIZE}. */
export interface Method {
  readonly name: MethodName;
  readonly keySize: number;
  /** As long as the key, in all of them. */
  readonly saltSize: number;
  readonly nonceSize: number;
}

export const TAG_SIZE = 16;

/** The most bytes of payload in one record; the length field's two top bits are reserved and zero. */
export const RECORD_LIMIT = 0x3fff;

const METHODS: Readonly<Record<MethodName, Method>> = {
  'aes-128-gcm': { name: 'aes-128-gcm', keySize: 16, saltSize: 16, nonceSize: 12 },
  'aes-192-gcm': { name: 'aes-192-gcm', keySize: 24, saltSize: 24, nonceSize: 12 },
  'aes-256-gcm': { name: 'aes-256-gcm', keySize: 32, saltSize: 32, nonceSize: 12 },
  'chacha20-ietf-poly1305': { name: 'chacha20-ietf-poly1305', keySize: 32, saltSize: 32, nonceSize: 12 },
  'xchacha20-ietf-poly1305': { name: 'xchacha20-ietf-poly1305', keySize: 32, saltSize: 32, nonceSize: 24 },
};

/** Names that other programs give the same methods: go-shadowsocks2's, and the short ones of share links. */
const ALIASES: Readonly<Record<string, MethodName>> = {
  aead_aes_128_gcm: 'aes-128-gcm',
  aead_aes_192_gcm: 'aes-192-gcm',
  aead_aes_256_gcm: 'aes-256-gcm',
  aead_chacha20_poly1305: 'chacha20-ietf-poly1305',
  aead_xchacha20_poly1305: 'xchacha20-ietf-poly1305',
  'chacha20-poly1305': 'chacha20-ietf-poly1305',
  'xchacha20-poly1305': 'xchacha20-ietf-poly1305',
};

/** A method by its name or an alias, in any case; undefined for an unknown one (say {@link METHOD_NAMES} then). */
export function findMethod(name: string): Method | undefined {
  const lower = name.toLowerCase();
  if (Object.hasOwn(ALIASES, lower)) return METHODS[ALIASES[lower]!];
  return Object.hasOwn(METHODS, lower) ? METHODS[lower as MethodName] : undefined;
}
