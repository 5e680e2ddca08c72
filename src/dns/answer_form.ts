/** The last thing done to an answer: what its asker's EDNS, transport and flags ask for. */
import type { Question } from './question.ts';
import type { Transport } from './server/resolve.ts';
import { answerEdns } from './wire/edns.ts';
import { COUNT, FLAG, flagsOf, MESSAGE_LIMIT, putU16, setFlags, u16 } from './wire/header.ts';
import { LEAST_PAYLOAD, OPT_SIZE, optRecord, OUR_PAYLOAD } from './wire/opt.ts';
import { fitted } from './wire/truncate.ts';

export interface Asker {
  readonly query: Uint8Array;
  readonly question: Question;
  readonly transport: Transport;
}

/**
 * As the asker takes it: an OPT record if it sent one, with the Extended DNS Errors that the answer has; no AD unless it asked
 * for that (RFC 6840 §5.8); TC if it is too long for UDP.
 *
 * @param answer one for this query already: its id, question, RD and CD. It may be changed, and be what is returned
 * @returns undefined if it is malformed
 */
export function formFor(asker: Asker, answer: Uint8Array): Uint8Array | undefined {
  const message = answerEdns(answer, asker.question.edns);
  return message && fitted(withoutUnaskedAd(asker, message), limitFor(asker));
}

const PLAIN_OPT = optRecord({ payload: OUR_PAYLOAD, dnssecOk: false });
const DNSSEC_OPT = optRecord({ payload: OUR_PAYLOAD, dnssecOk: true });

/**
 * The same for an answer without an OPT record, in memory that has room for one behind it: without reading all of it again.
 *
 * @param memory begins with the answer, of so many bytes; the rest is overwritten
 * @returns a copy
 */
export function formInPlace(asker: Asker, memory: Uint8Array, length: number): Uint8Array {
  const { edns } = asker.question;
  let end = length;
  if (edns && length + OPT_SIZE <= memory.length) {
    memory.set(edns.dnssecOk ? DNSSEC_OPT : PLAIN_OPT, length);
    putU16(memory, COUNT.additional, u16(memory, COUNT.additional) + 1);
    end += OPT_SIZE;
  }
  const message = withoutUnaskedAd(asker, memory.slice(0, end));
  return fitted(message, limitFor(asker));
}

function withoutUnaskedAd({ query, question }: Asker, message: Uint8Array): Uint8Array {
  const asked = question.edns?.dnssecOk === true || (flagsOf(query) & FLAG.AD) !== 0;
  if (!asked) setFlags(message, flagsOf(message) & ~FLAG.AD);
  return message;
}

/** Over UDP what the asker takes, but no more than passes any network in one piece. */
function limitFor({ question, transport }: Asker): number {
  if (transport === 'tcp') return MESSAGE_LIMIT;
  return Math.min(question.edns?.payload ?? LEAST_PAYLOAD, OUR_PAYLOAD);
}
