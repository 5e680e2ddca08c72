/** Answers for which nobody is asked, as messages. */
import { POLICY_TTL, type OwnAnswer } from './policy.ts';
import type { Question } from './question.ts';
import { composeAddresses, composeNegative } from './wire/compose.ts';
import { EDE, TYPE } from './wire/constants.ts';

/** Zone transfers are between servers of a zone, and of many messages: RFC 5936, RFC 1995. */
export function isTransfer(type: number): boolean {
  return type === TYPE.AXFR || type === TYPE.IXFR;
}

/** What the policy says, as a message for this query; an asker with EDNS is told that it is blocked. */
export function composeOwn(query: Uint8Array, question: Question, own: OwnAnswer): Uint8Array {
  if (own.addresses.length > 0) return composeAddresses(query, question, own.addresses, POLICY_TTL);
  const ede = own.reason === 'blocked' ? { code: EDE.BLOCKED } : undefined;
  return composeNegative(query, question, own.rcode, { ttl: POLICY_TTL, ede });
}
