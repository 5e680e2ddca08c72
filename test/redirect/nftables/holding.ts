/** Processes that hold the rules of a plan. */
import { expect } from 'bun:test';
import type { DualRanges } from '../../../src/net/ranges.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import type { Netns } from '../../lab/netns.ts';
import { Held } from './held.ts';
import { planText } from './scripts/plan.ts';

export const SCRIPT_DONE = /^done( [\d.]+)?$/;

/** Starts a script that holds the rules of a plan. */
export async function hold(ns: Netns, wanted: RedirectPlan, script = 'hold.ts'): Promise<Held> {
  const [held, line] = await Held.start(ns, script, planText(wanted));
  expect(line).toMatch(SCRIPT_DONE);
  return held;
}

/** Disjoint ranges of varying length, none touching the next. */
export function manyRanges(v4: number, v6: number): DualRanges {
  const words4: number[] = [];
  for (let i = 0; i < v4; i++)
    words4.push(0x01000000 + i * 0x9000, 0x01000000 + i * 0x9000 + (i % 7) * 0x1000);
  const words6: number[] = [];
  for (let i = 0; i < v6; i++) {
    const prefix = 0x20010000 + i * 2;
    words6.push(prefix, 0, 0, 0, prefix, 0xffffffff, 0xffffffff, 0xffffffff - i);
  }
  return {
    v4: { family: 4, words: Uint32Array.from(words4) },
    v6: { family: 6, words: Uint32Array.from(words6) },
  };
}
