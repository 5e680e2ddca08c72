/** What a name would be answered with, and why: for `snet dns`. */
import type { Clock } from '../base/clock.ts';
import type { Cache } from './cache/cache.ts';
import type { Inquiry, NumberedRules } from './inquiry.ts';
import { explainKind } from './name_kind.ts';
import { composeOwn } from './own_answer.ts';
import { decidePolicy, type NamePolicy } from './policy.ts';
import type { Reason, Side } from './question.ts';
import type { Kind, SplitAnswer } from './split.ts';
import { copyFor } from './wire/answer.ts';
import { queryFor, readQuery } from './wire/query.ts';

export interface Explanation {
  readonly answer: Uint8Array;
  readonly reason: Reason;
  readonly side: Side | undefined;
  /** Undefined: nobody need know, since the answer is our own. */
  readonly kind: Kind | undefined;
  /** The rule, or the list and its entry. */
  readonly why: string;
  /** Seconds that it stays in the cache; undefined: it was not there. */
  readonly remaining: number | undefined;
  /** Whom we asked, and what they said; undefined: nobody. */
  readonly split: SplitAnswer | undefined;
  readonly ms: number;
}

export interface ExplainOptions {
  /** Ask, whatever the cache has. */
  readonly anew?: boolean;
}

interface Sources {
  readonly rules: NumberedRules & { readonly policy: NamePolicy };
  readonly cache: Pick<Cache, 'lookup'>;
  readonly inquire: Inquiry;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * @returns undefined if the text can't be a name
 * @throws (as rejection) InFlightError if too many queries wait already
 */
export async function explainName(
  name: string,
  type: number,
  { rules, cache, inquire, clock }: Sources,
  { anew = false }: ExplainOptions,
): Promise<Explanation | undefined> {
  const began = clock.now();
  const query = queryFor(name, type);
  const question = query && readQuery(query).question;
  if (!question) return undefined;
  const tell = (found: Pick<Explanation, 'answer' | 'reason' | 'side' | 'why'> & Partial<Explanation>) => ({
    kind: undefined,
    remaining: undefined,
    split: undefined,
    ...found,
    ms: clock.now() - began,
  });

  const decision = decidePolicy(question, rules.policy);
  if (decision.action === 'answer') {
    const { reason, why } = decision;
    return tell({ answer: composeOwn(query, question, decision), reason, side: undefined, why });
  }
  const { kind } = decision.name;
  const why = explainKind(rules.policy.known, question.name, decision.name);
  const hit = anew ? undefined : cache.lookup(query, question);
  if (hit?.state === 'fresh') {
    const { message, side, remaining } = hit;
    return tell({ answer: message, reason: 'cached', side, kind, why, remaining });
  }
  const split = await inquire(rules, query, question, kind);
  const { message, reason, side } = split;
  return tell({ answer: copyFor(query, question, message), reason, side, kind, why, split });
}
