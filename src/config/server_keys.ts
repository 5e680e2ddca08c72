/** Keys of the far end: which of them a method has, and new ones. */
import { Secret } from '../base/secret.ts';
import { Fault } from './leaf.ts';
import { checkedPassword } from './shadowsocks_key.ts';
import { isMethod2022, KEY_SIZES_2022, type AeadMethod, type Method2022 } from './shadowsocks_methods.ts';

type Method = AeadMethod | Method2022;

/** Whether a client says in a header whose key it has (SIP023): then the server has one of its own beside the users'. */
export function hasIdentities(method: Method): boolean {
  return isMethod2022(method) && method !== '2022-blake3-chacha20-poly1305';
}

/** Of one user, or of the server: one key, not several as a client may have. A fault shows nothing of it. */
export function checkedServerPassword(method: Method, text: string): Secret | Fault {
  if (text === '') return new Fault('a password', { found: 'an empty one' });
  if (isMethod2022(method) && text.includes(':')) {
    const hint = "at a client the server's key and the user's stand together, with a colon between";
    return new Fault('base64 of one key', { found: 'several', hint });
  }
  return checkedPassword(method, text, false);
}

/** Bytes: none of the methods' keys has more that could be guessed. */
const PASSWORD_SIZE = 32;

/** A new one, that nobody can guess. */
export function generatePassword(method: Method): Secret {
  const isKey = isMethod2022(method);
  const bytes = crypto.getRandomValues(Buffer.alloc(isKey ? KEY_SIZES_2022[method] : PASSWORD_SIZE));
  return new Secret(bytes.toString(isKey ? 'base64' : 'base64url'));
}
