/** The user and the password that a proxy wants. */
import { SnetError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';

export interface Credentials {
  readonly user: string;
  readonly password: Secret;
}

/** Credentials that the protocol can't express. The message has neither user nor password. */
export class CredentialsError extends SnetError<'ERR_CREDENTIALS'> {
  constructor(found: string, expected: string) {
    super('ERR_CREDENTIALS', `${found}; ${expected}`);
  }
}
