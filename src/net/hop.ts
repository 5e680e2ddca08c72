/** Servers of a chain: errors say by a label, first of all, at which of them something went wrong. */
import { explain, SnetError } from '../base/errors.ts';
import type { FlowStatus } from './flow_status.ts';
import { SessionError } from './session.ts';

/** What went wrong at one server of a chain, where that was no session. */
export class HopError extends SnetError<FlowStatus> {
  readonly hop: string;

  /** @param message undefined: the status says all there is to say */
  constructor(status: FlowStatus, hop: string, message: string | undefined, cause?: unknown) {
    const hint = cause instanceof SnetError ? cause.hint : undefined;
    super(status, message === undefined ? `at ${hop}` : `${hop}: ${message}`, { hint, cause });
    this.hop = hop;
  }
}

/** @returns the label of the server at which it went wrong; undefined: that is not told, or there is no chain */
export function hopOf(error: unknown): string | undefined {
  return error instanceof HopError || error instanceof SessionError ? error.hop : undefined;
}

/** @returns the same of one server of a chain; what tells of its own already, as it is */
export function sessionErrorAt(hop: string, error: unknown): unknown {
  if (!(error instanceof SessionError) || error.hop !== undefined) return error;
  const { status, message, hint, cause } = error;
  return new SessionError(status, `${hop}: ${message}`, { hint, cause, hop });
}

/**
 * @param hop undefined: there is no chain
 * @returns a cause that says at which server; what says so already, as it is
 */
export function causeAt(hop: string | undefined, status: FlowStatus, cause: unknown): unknown {
  if (hop === undefined || status === 'ERR_INTERNAL' || hopOf(cause) !== undefined) return cause;
  if (cause instanceof SessionError) return sessionErrorAt(hop, cause);
  return new HopError(status, hop, cause === undefined ? undefined : explain(cause), cause);
}
