/** What has become of our rules since they were put in: looked for apart from mended. */
import type { Runner } from '../../base/runner.ts';
import { gatherFacts, type Facts } from './preflight.ts';
import { readSegmentation } from './sysctl.ts';
import { listReferences } from './token.ts';
import { countOurRulesets } from './undo.ts';

/** In the order in which they are mended. */
export const DAMAGES = {
  unasked: 'the main ruleset has no anchors "com.apple/*"',
  skipped: 'pf skips lo0',
  off: 'pf was turned off',
  unheld: 'our reference to pf was dropped',
  emptied: 'our rules were flushed',
  segmented: 'net.inet.tcp.tso was set',
} as const;
export type Damage = keyof typeof DAMAGES;

/**
 * Looks at all that our rules need.
 * @param token ours; undefined: none is known
 * @throws RedirectError if the system can't be asked
 */
export async function inspect(runner: Runner, token: string | undefined): Promise<Damage[]> {
  const facts = await gatherFacts(runner);
  const [references, rulesets, segmentation] = await Promise.all([
    listReferences(runner),
    countOurRulesets(runner),
    // Where there is no such sysctl, there was none at the start either.
    readSegmentation(runner).catch(() => 0),
  ]);
  return damagesOf(facts, {
    isHeld: references === undefined || references.some((reference) => reference.token === token),
    // One without the other has connections vanish on lo0.
    held: rulesets === 2,
    segmentation,
  });
}

function damagesOf(
  { enabled, main, loopbackSkipped }: Facts,
  {
    isHeld,
    held,
    segmentation,
  }: { readonly isHeld: boolean; readonly held: boolean; readonly segmentation: number },
): Damage[] {
  const found: Readonly<Record<Damage, boolean>> = {
    unasked: !main.asksUs,
    skipped: loopbackSkipped,
    off: enabled === false,
    unheld: enabled !== false && !isHeld,
    emptied: !held,
    segmented: segmentation !== 0,
  };
  return (Object.keys(DAMAGES) as Damage[]).filter((damage) => found[damage]);
}
