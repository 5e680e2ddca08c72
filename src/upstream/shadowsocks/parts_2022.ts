/** What both ends of the 2022 edition are made from (SIP022 and SIP023: 2022-1 and 2022-2 of Shadowsocks-NET/shadowsocks-specs). */
import type { Method2022 } from './methods.ts';
import { Psk } from './psk.ts';
import type { SuiteParts } from './suite.ts';

/** One of several that a server knows. */
export interface User {
  /** For counters and logs. */
  readonly name: string;
  readonly key: Uint8Array;
}

export interface Keys {
  /**
   * Pre-shared keys of the method's size. A client's: those that stand for servers on the way (iPSK), then the user's
   * (uPSK). A server's: its own.
   */
  readonly keys: readonly Uint8Array[];
  /** A server's. With them its own key only opens identity headers, and each client must send one. */
  readonly users?: readonly User[] | undefined;
}

export interface Options2022 extends SuiteParts, Keys {
  readonly method: Method2022;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Parts2022 extends SuiteParts {
  readonly now: () => number;
  readonly saltSize: number;
  readonly psks: readonly Psk[];
  /** The user whose key has this hash. undefined: there is but one, with the key itself. */
  readonly userOf: ((hash: Uint8Array) => KnownUser | undefined) | undefined;
}

interface KnownUser {
  readonly name: string;
  readonly psk: Psk;
}

/** @throws RangeError for keys that the method can't have; who reads a configuration has said so before */
export function partsOf({ method, keys, users, ...rest }: Options2022): Parts2022 {
  const { name, cipher, hasIdentities, saltSize } = method;
  for (const key of [...keys, ...(users ?? []).map((user) => user.key)])
    if (key.length !== cipher.keySize) throw new RangeError(`a key of ${key.length} bytes for ${name}`);
  if (keys.length === 0) throw new RangeError(`no key for ${name}`);
  if (!hasIdentities && (keys.length > 1 || users)) throw new RangeError(`${name} has no identity headers`);
  return { ...rest, saltSize, psks: keys.map((key) => new Psk(key)), userOf: users && finder(users) };
}

function finder(users: readonly User[]): (hash: Uint8Array) => KnownUser | undefined {
  const known = new Map<string, KnownUser>();
  for (const { name, key } of users) {
    const psk = new Psk(key);
    known.set(psk.hash.toHex(), { name, psk });
  }
  return (hash) => known.get(hash.toHex());
}
