/** The stream methods of old Shadowsocks (https://shadowsocks.org/doc/stream.html). They authenticate nothing. */
import type { StreamMethod } from '../../../config/config.ts';

/** In bytes. */
export interface StreamSizes {
  readonly keySize: number;
  readonly ivSize: number;
}

export const STREAM_SIZES: Readonly<Record<StreamMethod, StreamSizes>> = {
  'aes-128-cfb': { keySize: 16, ivSize: 16 },
  'aes-192-cfb': { keySize: 24, ivSize: 16 },
  'aes-256-cfb': { keySize: 32, ivSize: 16 },
  'aes-128-ctr': { keySize: 16, ivSize: 16 },
  'aes-192-ctr': { keySize: 24, ivSize: 16 },
  'aes-256-ctr': { keySize: 32, ivSize: 16 },
  'chacha20-ietf': { keySize: 32, ivSize: 12 },
  'rc4-md5': { keySize: 16, ivSize: 16 },
};
