/**
 * The shape of every error that a user may meet. Each layer has a class of its own with its own set of status words;
 * the word is the log field, the metric's label and what tests assert. It never changes once published.
 */

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

/** One line for a log: the message, and the messages of what caused it. */
export function explain(error: unknown): string {
  const lines: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && lines.length < 5;
    at = at instanceof Error ? at.cause : undefined
  ) {
    const line = at instanceof Error ? at.message : typeof at === 'string' ? at : JSON.stringify(at);
    if (!lines.some((earlier) => earlier.includes(line))) lines.push(line);
  }
  return lines.join(': ');
}
