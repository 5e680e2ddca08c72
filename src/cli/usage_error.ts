/** The command line itself is wrong. */
import { SnetError } from '../base/errors.ts';

export class UsageError extends SnetError<'ERR_USAGE'> {
  constructor(message: string, hint?: string) {
    super('ERR_USAGE', message, { hint });
  }
}
