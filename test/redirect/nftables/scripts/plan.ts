/** How tests and the scripts that they run in namespaces talk to each other. */
import { SnetError } from '../../../../src/base/errors.ts';
import type { RedirectPlan } from '../../../../src/redirect/redirect.ts';

/** A plan as JSON. */
export function planText({ bypass, ...plan }: RedirectPlan): string {
  return JSON.stringify({ ...plan, v4: [...bypass.v4.words], v6: [...bypass.v6.words] });
}

/** Reads it back. The ranges are taken as they are, even if they are not what a RangeSet should be. */
export function planOf(text: string): RedirectPlan {
  const { v4, v6, ...plan } = JSON.parse(text);
  return {
    ...plan,
    bypass: {
      v4: { family: 4, words: Uint32Array.from(v4) },
      v6: { family: 6, words: Uint32Array.from(v6) },
    },
  };
}

/** An error as one line of JSON. */
export function report(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  const { status, hint } = error instanceof SnetError ? error : {};
  return JSON.stringify({ status, message: error.message, hint });
}

/** A line on stdout, at once. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
