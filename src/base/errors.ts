/**
 * The shape of every error that a user may meet. Each layer has a class of its own with its own set of status words;
 * the word is the log field, the metric's label and what tests assert. It never changes once published.
 */
import { inspect } from 'node:util';

export interface Explanation {
  /** What the person who reads this can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** Base of all layers' errors. */
export class SnetError<Status extends string = string> extends Error {
  readonly status: Status;
  readonly hint: string | undefined;

  constructor(status: Status, message: string, { hint, cause }: Explanation = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.status = status;
    this.hint = hint;
  }
}

/** How far down a chain of causes is told; a bound, since a cause may lead back to where it came from. */
const DEEPEST_CAUSE = 5;

/** The message, and the messages of what caused it, for a log. Of a cause that adds nothing to what is said nothing is said. */
export function explain(error: unknown): string {
  const told: string[] = [];
  let at = error;
  for (let depth = 0; depth < DEEPEST_CAUSE; depth++) {
    const text = at instanceof Error ? at.message || at.name : typeof at === 'string' ? at : inspect(at);
    if (!told.some((earlier) => earlier.includes(text))) told.push(text);
    if (!(at instanceof Error) || at.cause === undefined) break;
    at = at.cause;
  }
  return told.join(': ');
}
