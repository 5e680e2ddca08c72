/** The methods of Shadowsocks: AEAD (SIP004, https://shadowsocks.org/doc/aead.html) and the 2022 edition (SIP022). */

/** An AEAD that records are sealed with. Sizes are in bytes; a tag is 16 in all of them, see {@link TAG_SIZE}. */
export interface Cipher {
  readonly name: CipherName;
  readonly keySize: number;
  readonly nonceSize: number;
}

export type CipherName =
  | 'aes-128-gcm'
  | 'aes-192-gcm'
  | 'aes-256-gcm'
  | 'chacha20-ietf-poly1305'
  | 'xchacha20-ietf-poly1305';

export const TAG_SIZE = 16;

export const CIPHERS: Readonly<Record<CipherName, Cipher>> = {
  'aes-128-gcm': { name: 'aes-128-gcm', keySize: 16, nonceSize: 12 },
  'aes-192-gcm': { name: 'aes-192-gcm', keySize: 24, nonceSize: 12 },
  'aes-256-gcm': { name: 'aes-256-gcm', keySize: 32, nonceSize: 12 },
  'chacha20-ietf-poly1305': { name: 'chacha20-ietf-poly1305', keySize: 32, nonceSize: 12 },
  'xchacha20-ietf-poly1305': { name: 'xchacha20-ietf-poly1305', keySize: 32, nonceSize: 24 },
};

/** A method of SIP004: its key is made from a password, and it is called as its cipher is. */
export interface Method2017 {
  readonly edition: 2017;
  readonly name: CipherName;
  readonly cipher: Cipher;
  /** As long as the key, in all methods. */
  readonly saltSize: number;
  /** The most bytes of payload in one record; the length's two top bits are reserved and zero. */
  readonly recordLimit: 0x3fff;
}

/** A method of SIP022: its key is given. */
export interface Method2022 {
  readonly edition: 2022;
  readonly name: MethodName2022;
  readonly cipher: Cipher;
  readonly saltSize: number;
  readonly recordLimit: 0xffff;
  /** Whether a server may have several users, told apart by an identity header; it is one block of AES. */
  readonly hasIdentities: boolean;
}

export type MethodName2022 =
  | '2022-blake3-aes-128-gcm'
  | '2022-blake3-aes-256-gcm'
  | '2022-blake3-chacha20-poly1305';

export type Method = Method2017 | Method2022;
export type MethodName = Method['name'];

export const METHODS = {
  'aes-128-gcm': edition2017('aes-128-gcm'),
  'aes-192-gcm': edition2017('aes-192-gcm'),
  'aes-256-gcm': edition2017('aes-256-gcm'),
  'chacha20-ietf-poly1305': edition2017('chacha20-ietf-poly1305'),
  'xchacha20-ietf-poly1305': edition2017('xchacha20-ietf-poly1305'),
  '2022-blake3-aes-128-gcm': edition2022('2022-blake3-aes-128-gcm', 'aes-128-gcm'),
  '2022-blake3-aes-256-gcm': edition2022('2022-blake3-aes-256-gcm', 'aes-256-gcm'),
  '2022-blake3-chacha20-poly1305': edition2022('2022-blake3-chacha20-poly1305', 'chacha20-ietf-poly1305'),
} as const satisfies Record<MethodName, Method>;

function edition2017(name: CipherName): Method2017 {
  const cipher = CIPHERS[name];
  return { edition: 2017, name, cipher, saltSize: cipher.keySize, recordLimit: 0x3fff };
}

function edition2022(name: MethodName2022, cipherName: CipherName): Method2022 {
  const cipher = CIPHERS[cipherName];
  const hasIdentities = cipherName.startsWith('aes-');
  return { edition: 2022, name, cipher, saltSize: cipher.keySize, recordLimit: 0xffff, hasIdentities };
}
