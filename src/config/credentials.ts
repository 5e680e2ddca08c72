/** User and password of a proxy: what its protocol can carry. Faults show neither. */
import { Secret } from '../base/secret.ts';
import { Fault } from './leaf.ts';

export interface Credentials {
  readonly user: string | undefined;
  readonly password: Secret | undefined;
}

/** As it was written. */
export interface Written {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

const NONE: Credentials = { user: undefined, password: undefined };

/** RFC 7617 §2: no colon in the user, no control characters anywhere. A user without a password has an empty one. */
export function httpCredentials({ user, password }: Written): Credentials | Fault {
  if (user === undefined && password !== undefined) return WITHOUT_USER;
  if (user === undefined || (user === '' && password === undefined)) return NONE;
  if (user.includes(':')) return new Fault('a user without ":"', { found: 'a ":" in the user' });
  if (/\p{Cc}/u.test(user + (password ?? ''))) {
    return new Fault('a user and a password without control characters', { found: 'one' });
  }
  return { user, password: password === undefined ? undefined : new Secret(password) };
}

/** RFC 1929 §2: each of 1 to 255 bytes. */
export function socks5Credentials({ user, password }: Written): Credentials | Fault {
  if (user === undefined && password !== undefined) return WITHOUT_USER;
  if (user === undefined) return NONE;
  const expected = 'a user and a password of 1 to 255 bytes each';
  for (const [name, text] of [
    ['user', user],
    ['password', password],
  ] as const) {
    if (!text) return new Fault(expected, { found: `no ${name}` });
    const size = Buffer.byteLength(text);
    if (size > 255) return new Fault(expected, { found: `a ${name} of ${size} bytes` });
  }
  return { user, password: new Secret(password!) };
}

const WITHOUT_USER = new Fault('a user, too', { found: 'a password without a user' });
