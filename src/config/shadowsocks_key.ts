/** Keys of Shadowsocks methods as text. */
import { Secret } from '../base/secret.ts';
import { base64Bytes } from './base64.ts';
import { Fault } from './leaf.ts';
import {
  isMethod2022,
  isStreamMethod,
  KEY_SIZES_2022,
  type AeadMethod,
  type Method2022,
  type ShadowsocksMethod,
} from './shadowsocks_methods.ts';

/**
 * The password of a 2022 method: base64 of its key, or of several with colons between, for a server with many users:
 * `iPSK:uPSK` (SIP022 §3.1; SIP023). A fault shows nothing of the text.
 * @returns at least one, each as long as the method wants it
 */
export function parseShadowsocks2022Key(text: string, method: Method2022): readonly Uint8Array[] | Fault {
  const size = KEY_SIZES_2022[method];
  const keys: Uint8Array[] = [];
  const parts = text.split(':');
  // SIP023 defines identity headers by AES, so that there are none for ChaCha20.
  if (parts.length > 1 && method === '2022-blake3-chacha20-poly1305') {
    return new Fault(`base64 of one key of ${size} bytes`, {
      found: `${parts.length} keys`,
      hint: 'only the 2022 methods with AES have users with keys of their own',
    });
  }
  for (const [i, part] of parts.entries()) {
    const key = keyOf(part, size, parts.length > 1 ? `key ${i + 1} of ${parts.length}` : 'its key');
    if (key instanceof Fault) return key;
    keys.push(key);
  }
  return keys;
}

/** The bytes that a key of each AEAD method has. */
const KEY_SIZES: Readonly<Record<AeadMethod, number>> = {
  'aes-128-gcm': 16,
  'aes-192-gcm': 24,
  'aes-256-gcm': 32,
  'chacha20-ietf-poly1305': 32,
  'xchacha20-ietf-poly1305': 32,
};

/**
 * A password that its method can use. A fault shows nothing of it.
 * @param isRaw the text is base64 of the key itself: of a method that would otherwise make one of the text
 * @returns of a raw key base64url
 */
export function checkedPassword(method: ShadowsocksMethod, text: string, isRaw: boolean): Secret | Fault {
  if (!isRaw) {
    const keys = isMethod2022(method) ? parseShadowsocks2022Key(text, method) : undefined;
    return keys instanceof Fault ? keys.under('password') : new Secret(text);
  }
  if (isMethod2022(method) || isStreamMethod(method)) {
    const hint = isMethod2022(method)
      ? 'with a 2022 method the password is the key, without more'
      : undefined;
    return new Fault(`false with ${method}`, { found: 'true', hint, at: 'raw-key' });
  }
  const key = keyOf(text, KEY_SIZES[method], 'the key');
  return key instanceof Fault ? key.under('password') : new Secret(Buffer.from(key).toString('base64url'));
}

function keyOf(text: string, size: number, which: string): Uint8Array | Fault {
  const expected = `base64 of ${size} bytes as ${which}`;
  const hint = `openssl rand -base64 ${size} makes a new one, for both ends`;
  if (text === '') return new Fault(expected, { found: 'an empty text', hint });
  const key = base64Bytes(text);
  if (!key) {
    return new Fault(expected, { found: 'a text that is no base64', hint: `it is no password; ${hint}` });
  }
  if (key.length === size) return key;
  return new Fault(expected, { found: `base64 of ${key.length} bytes`, hint });
}
