/** A run that goes on after each failing step, so that one run tells the most. */

export interface Step {
  readonly name: string;
  /**
   * @returns what is worth knowing of how it went
   * @throws NotHere if it means nothing on this Mac; anything else: it failed
   */
  readonly run: () => Promise<string>;
}

export interface Outcome {
  readonly name: string;
  readonly result: 'ok' | 'FAILED' | 'skipped';
  readonly detail: string;
  readonly ms: number;
}

/** Why a step can't be done here. */
export class NotHere extends Error {}

/** One after the other, whatever becomes of each. @param tell is called after each of them */
export async function runSteps(
  steps: readonly Step[],
  tell: (outcome: Outcome) => void | Promise<void>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of steps) {
    const began = performance.now();
    const end = (result: Outcome['result'], detail: string): Outcome => ({
      name,
      result,
      detail,
      ms: Math.round(performance.now() - began),
    });
    let outcome: Outcome;
    try {
      outcome = end('ok', await run());
    } catch (error) {
      outcome = end(error instanceof NotHere ? 'skipped' : 'FAILED', messageOf(error));
    }
    outcomes.push(outcome);
    await tell(outcome);
  }
  return outcomes;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
