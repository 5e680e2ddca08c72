/** An explanation of the resolver's as JSON: what the control socket gives, and `snet dns` prints. */
import { explain } from '../base/errors.ts';
import type { Explanation } from '../dns/explain.ts';
import { answerRecords, type RecordText } from '../dns/record_text.ts';
import type { Asked } from '../dns/split.ts';
import { rcodeOf } from '../dns/wire/answer.ts';
import { rcodeName, typeName } from '../dns/wire/constants.ts';

export interface NameReport {
  readonly name: string;
  readonly type: string;
  /** What lists and rules say of the name; undefined: its answer is our own. */
  readonly kind: string | undefined;
  /** The rule, or the list and its entry. */
  readonly why: string;
  readonly reason: string;
  readonly side: string | undefined;
  readonly rcode: string;
  readonly records: readonly RecordText[];
  /** Seconds that it stays in the cache; undefined: it was not there. */
  readonly cached: number | undefined;
  /** What was remembered of an unknown name before, and what is from now on. */
  readonly remembered: string | undefined;
  readonly verdict: string | undefined;
  readonly asked: readonly AskedReport[];
  /** Milliseconds. */
  readonly ms: number;
}

export interface AskedReport {
  readonly side: string;
  /** undefined: nothing had come when the answer was given. */
  readonly ms: number | undefined;
  /** What its answer was worth. */
  readonly judgement: string;
  readonly rcode: string | undefined;
  readonly records: readonly RecordText[];
  readonly error: string | undefined;
}

export function reportOf(name: string, type: number, explanation: Explanation): NameReport {
  const { answer, kind, why, reason, side, remaining, split, ms } = explanation;
  return {
    name,
    type: typeName(type),
    kind,
    why,
    reason,
    side,
    rcode: rcodeName(rcodeOf(answer)),
    records: answerRecords(answer) ?? [],
    cached: remaining,
    remembered: split?.remembered,
    verdict: split?.verdict,
    asked: split?.asked.map(askedReport) ?? [],
    ms: tenths(ms),
  };
}

function askedReport({ side, ms, judgement, message, error }: Asked): AskedReport {
  return {
    side,
    ms: ms === undefined ? undefined : tenths(ms),
    judgement,
    rcode: message && rcodeName(rcodeOf(message)),
    records: (message && answerRecords(message)) ?? [],
    error: error === undefined ? undefined : explain(error),
  };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
