/** Asking the resolvers for what the cache doesn't have: once, however many want it, and for all who will want it later. */
import type { Clock } from '../base/clock.ts';
import type { Cache } from './cache/cache.ts';
import { keyOf } from './cache/cache.ts';
import { createInFlight, InFlightError } from './cache/in_flight.ts';
import { WaitEnd } from './exchange/end.ts';
import { createGate } from './exchange/gate.ts';
import { createTidying } from './garbage.ts';
import type { Question } from './question.ts';
import type { Kind, Split, SplitAnswer } from './split.ts';
import { composeFailure } from './wire/compose.ts';
import { EDE, RCODE, TYPE } from './wire/constants.ts';
import { withEdns, withoutEdns } from './wire/edns.ts';
import { FLAG, flagsOf, setFlags } from './wire/header.ts';
import { OUR_PAYLOAD } from './wire/opt.ts';
import { stripServiceParams, type Stripped } from './wire/svcb.ts';

export interface InquiryRules {
  readonly split: Split;
  /** What answers of types HTTPS and SVCB must not tell. */
  readonly strip: readonly Stripped[];
}

export interface NumberedRules extends InquiryRules {
  /** Of the configuration that they are from: other rules have another, 1 to 65,535. */
  readonly generation: number;
}

/**
 * @param query of any client
 * @returns an answer shared by all who asked, not to be changed: see `copyFor`
 * @throws (as rejection) InFlightError if too many wait already
 */
export type Inquiry = (
  rules: NumberedRules,
  query: Uint8Array,
  question: Question,
  kind: Kind,
) => Promise<SplitAnswer>;

/**
 * Asked at once, as with unbound (`num-queries-per-thread`, 1,024): each takes some 15 kB until its answer is there. The
 * others stand in line, with little more than their query.
 */
const MOST_ASKED = 1_000;

/** Milliseconds that one may stand in line. Who comes to its end has time for a usual answer before a client's is over. */
const LINE_MS = 3_000;

/** @param limit of queries that wait at once, those for the same answer counted each */
export function createInquiry(cache: Pick<Cache, 'store'>, clock: Clock, limit: number): Inquiry {
  const inFlight = createInFlight<SplitAnswer>((answer) => answer, limit);
  const gate = createGate(MOST_ASKED);
  const tidy = createTidying();

  /** @throws (as rejection) InFlightError if its turn doesn't come in time */
  const inTurn = async (ask: () => Promise<SplitAnswer>): Promise<SplitAnswer> => {
    const end = new WaitEnd();
    const cancel = clock.after(LINE_MS, () => end.abort());
    try {
      return await gate(end, () => {
        cancel();
        return ask();
      });
    } catch (error) {
      if (!end.aborted) throw error;
      throw new InFlightError('ERR_DNS_BUSY', `${LINE_MS} ms in line for its turn`, { cause: error });
    } finally {
      tidy();
    }
  };

  return ({ split, strip, generation }, query, question, kind) => {
    const { name, type, class: of, dnssecOk, checkingDisabled } = keyOf(question);
    const ask = async () => {
      const ours = { ...question, edns: { payload: OUR_PAYLOAD, dnssecOk } };
      const forwarded = withEdns(query, ours.edns);
      // The answer is for everybody: a whole one, with AD where it is due, though this client may have asked for neither.
      setFlags(forwarded, FLAG.RD | FLAG.AD | (flagsOf(query) & FLAG.CD));
      const found = await split(forwarded, ours, kind);
      const message =
        strip.length > 0 && hasServiceParams(type) ? stripServiceParams(found.message, strip) : found.message;
      const bare = message && withoutEdns(message);
      if (!bare) return { ...found, message: composeFailure(forwarded, ours, RCODE.SERVFAIL, UNREADABLE) };
      cache.store(question, bare, found.side ?? 'trusted', generation);
      return { ...found, message };
    };
    return inFlight.once(`${type} ${of} ${dnssecOk} ${checkingDisabled} ${name}`, () => inTurn(ask));
  };
}

const UNREADABLE = { code: EDE.INVALID_DATA, text: 'the resolver gave what cannot be read' };

function hasServiceParams(type: number): boolean {
  return type === TYPE.SVCB || type === TYPE.HTTPS || type === TYPE.ANY;
}
