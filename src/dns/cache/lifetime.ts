/** How long an answer may be kept, and which may be kept at all. */
import type { CacheConfig } from '../../config/dns_config.ts';
import { isTruncated, negativeTtl, rcodeOf } from '../wire/answer.ts';
import { RCODE, TYPE } from '../wire/constants.ts';
import { COUNT, FLAG, flagsOf, HEADER_SIZE, MESSAGE_LIMIT, OPCODE_MASK, u16 } from '../wire/header.ts';
import { readName, skipName } from '../wire/names.ts';
import { layoutOf, type Layout } from '../wire/records.ts';
import { minTtl } from '../wire/ttl.ts';

/** What tells answers apart: the question, and the bits of the query that change the answer. */
export interface AnswerKey {
  /** As in a Question. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface Lifetime {
  /** At least 1. */
  readonly seconds: number;
  /** Between these the TTL of each record is brought before the answer is kept. */
  readonly leastTtl: number;
  readonly mostTtl: number;
  /** Nobody knew: SERVFAIL and its like. */
  readonly failure: boolean;
}

/** RFC 9520 §3.2: a failure to resolve is kept for 1 second at least, 5 minutes at most. */
const FAILURE_SECONDS = 5;

/** RFC 2308 §5: values of one to three hours have been found to work well; over a day is problematic. */
const NEGATIVE_LIMIT = 3 * 3600;

/** A "no" without a SOA should not be kept (RFC 2308 §5); for as long, it keeps a program that asks in a loop away from the resolvers. */
const WITHOUT_SOA_SECONDS = 5;

/**
 * Looks at an answer to this question before it is kept.
 *
 * @param offsets where its TTLs stand, see `ttlOffsets`
 * @returns undefined if it must not be kept: it is malformed, truncated, answers another question, or lives 0 seconds
 */
export function lifetimeOf(
  key: AnswerKey,
  answer: Uint8Array,
  offsets: Uint32Array,
  { minTtl: least, maxTtl: most }: Pick<CacheConfig, 'minTtl' | 'maxTtl'>,
): Lifetime | undefined {
  if (answer.length > MESSAGE_LIMIT || !isAnswerTo(key, answer)) return undefined;
  const layout = layoutOf(answer);
  if (!layout) return undefined;
  const rcode = rcodeOf(answer);
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return failureFor(FAILURE_SECONDS);
  const lowest = minTtl(answer, offsets) ?? Infinity;
  if (rcode === RCODE.NOERROR && hasData(key, layout)) {
    const seconds = between(least, lowest, most);
    return seconds < 1 ? undefined : { seconds, leastTtl: least, mostTtl: most, failure: false };
  }
  const soa = negativeTtl(answer);
  const seconds =
    soa === undefined
      ? Math.min(WITHOUT_SOA_SECONDS, lowest, most)
      : between(least, Math.min(soa, lowest, NEGATIVE_LIMIT), most);
  // The SOA's own TTL may be more than what it says of a "no".
  return seconds < 1 ? undefined : { seconds, leastTtl: seconds, mostTtl: seconds, failure: false };
}

function failureFor(seconds: number): Lifetime {
  return { seconds, leastTtl: seconds, mostTtl: seconds, failure: true };
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function isAnswerTo({ name, type, class: wanted }: AnswerKey, answer: Uint8Array): boolean {
  if (answer.length < HEADER_SIZE || u16(answer, COUNT.question) !== 1) return false;
  if ((flagsOf(answer) & (FLAG.QR | OPCODE_MASK)) !== FLAG.QR || isTruncated(answer)) return false;
  const fixed = skipName(answer, HEADER_SIZE);
  if (fixed < 0 || fixed + 4 > answer.length) return false;
  return (
    u16(answer, fixed) === type && u16(answer, fixed + 2) === wanted && readName(answer, HEADER_SIZE) === name
  );
}

/** False is NODATA (RFC 2308 §2.2), also behind a CNAME. */
function hasData({ type }: AnswerKey, { records }: Layout): boolean {
  return records.some((record) => record.section === 'answer' && (record.type === type || type === TYPE.ANY));
}
