/** The AEAD methods of Shadowsocks (SIP004): https://shadowsocks.org/doc/aead.html */

import type { ShadowsocksConfig } from '../../config/config.ts';

export type MethodName = ShadowsocksConfig['method'];

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

export const METHODS: Readonly<Record<MethodName, Method>> = {
  'aes-128-gcm': { name: 'aes-128-gcm', keySize: 16, saltSize: 16, nonceSize: 12 },
  'aes-192-gcm': { name: 'aes-192-gcm', keySize: 24, saltSize: 24, nonceSize: 12 },
  'aes-256-gcm': { name: 'aes-256-gcm', keySize: 32, saltSize: 32, nonceSize: 12 },
  'chacha20-ietf-poly1305': { name: 'chacha20-ietf-poly1305', keySize: 32, saltSize: 32, nonceSize: 12 },
  'xchacha20-ietf-poly1305': { name: 'xchacha20-ietf-poly1305', keySize: 32, saltSize: 32, nonceSize: 24 },
};
