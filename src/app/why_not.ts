/** Errors as the log has them. */
import { explain, SnetError } from '../base/errors.ts';
import type { Fields } from '../base/log.ts';
import { ConfigError } from '../config/error.ts';

/** What a log says of an error, in one line. */
export function whyNot(error: unknown): Fields {
  if (error instanceof ConfigError) return { status: error.status, ...error.inShort };
  if (!(error instanceof SnetError)) return { status: 'ERR_INTERNAL', reason: explain(error) };
  return { status: error.status, reason: explain(error), hint: error.hint };
}
