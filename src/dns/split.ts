/**
 * Whom to ask for a name, and whom to believe. Three kinds of public names, in chinadns-ng's sense:
 *
 *   china    its resolvers only; the trusted ones stand in when nothing believable comes
 *   foreign  the trusted resolvers only: China's answer would be forged, and that it was asked for would be known there
 *   unknown  both at once; China's answer is taken if all its addresses are in China, else the trusted one's
 *
 * What an unknown name turned out to be is remembered: from then on one side is asked. Names of the local network go to
 * the system's own resolver.
 *
 * Other than chinadns-ng, which shows every question to both sides and for all but A and AAAA takes whoever is first: an
 * answer without addresses proves nothing about where a name lives, so types that have none (MX, TXT, HTTPS …) are asked
 * of the trusted side until the verdict is known. And of an answer to A or AAAA that has no addresses, where it has an
 * option (`noip-as-chnip`, off), the trusted side decides always.
 */
import type { Clock } from '../base/clock.ts';
import type { Verdict, Verdicts } from './cache/verdicts.ts';
import { WaitEnd, type EndSignal } from './exchange/end.ts';
import { type Exchange, ExchangeError } from './exchange/exchange.ts';
import { judge, type Geography, type Judgement } from './judgement.ts';
import type { Question, Reason, Side } from './question.ts';
import {
  outcome,
  PATIENCE_MS,
  race,
  type Choice,
  type Ending,
  type RaceResult,
  type Runner,
} from './race.ts';
import { composeFailure, composeNegative } from './wire/compose.ts';
import { EDE, RCODE, TYPE } from './wire/constants.ts';

export type Kind = 'china' | 'foreign' | 'unknown' | 'local';

export interface SplitOptions extends Geography {
  readonly exchanges: Readonly<Record<Side, Exchange>>;
  /** `trusted-only`: the China resolvers never see an unknown name. */
  readonly unknown: 'race' | 'trusted-only';
  /** What unknown names turned out to be. */
  readonly verdicts: Pick<Verdicts, 'lookup' | 'record'>;
  /** False: an unknown name has no AAAA that could be reached once it is known to go through the upstream. */
  readonly upstreamIPv6: boolean;
  readonly clock: Clock;
}

export interface SplitAnswer {
  /** Always there; SERVFAIL with an Extended DNS Error if nobody had one. Its owner is the receiver. */
  readonly message: Uint8Array;
  /** Whose it is; undefined: nobody's, we made it. */
  readonly side: Side | undefined;
  readonly reason: Extract<Reason, 'cn' | 'fq' | 'local' | 'disabled' | 'failed'>;
  /** What was remembered of an unknown name before, and what is from now on. */
  readonly remembered: Verdict | undefined;
  readonly verdict: Verdict | undefined;
  /** Who was asked, and what came of it: for the person who wants to know why. */
  readonly asked: readonly Asked[];
}

export interface Asked {
  readonly side: Side;
  /** Milliseconds until it ended; undefined if it hadn't when the answer was given. */
  readonly ms: number | undefined;
  /** What its answer was worth; `failed`: none came; `pending`: none had come yet. */
  readonly judgement: Judgement | 'failed' | 'pending';
  /** The answer so judged. */
  readonly message: Uint8Array | undefined;
  readonly error: unknown;
}

/** Asks whom the kind of the name says. Never rejects. */
export type Split = (query: Uint8Array, question: Question, kind: Kind) => Promise<SplitAnswer>;

export function createSplit(options: SplitOptions): Split {
  const { exchanges, unknown, verdicts, upstreamIPv6, clock } = options;
  const worth = (answer: Uint8Array) => judge(answer, options);

  async function one(side: Side, query: Uint8Array, question: Question): Promise<SplitAnswer> {
    const asked = clock.now();
    const ending = await withinPatience(clock, (signal) =>
      outcome(
        exchanges[side],
        { query, question, judge: worth },
        signal,
        (answer) => worth(answer) !== 'malformed',
      ),
    );
    const runner = { asked, ending, ended: clock.now() };
    return {
      ...given(query, question, { [side]: runner }, ending.message === undefined ? undefined : side),
      remembered: undefined,
      verdict: undefined,
    };
  }

  async function both(
    query: Uint8Array,
    question: Question,
    start: 'together' | 'china-first',
    believes: (judgement: Judgement) => boolean,
  ) {
    const { china, trusted } = exchanges;
    const result = await race({ query, question, china, trusted, clock, judge: worth, start, believes });
    const runners = { china: result.china, trusted: result.trusted };
    return { result, answer: given(query, question, runners, sideOf(result)) };
  }

  async function ofChinese(query: Uint8Array, question: Question): Promise<SplitAnswer> {
    const { answer } = await both(query, question, 'china-first', isPlausible);
    return { ...answer, remembered: undefined, verdict: undefined };
  }

  /** What is remembered may have become wrong: the name moved. */
  async function ofFormerlyChinese(query: Uint8Array, question: Question): Promise<SplitAnswer> {
    const { result, answer } = await both(query, question, 'china-first', isBelievable);
    const moved = result.choice === 'trusted' && result.china.disbelieved !== undefined;
    if (moved) verdicts.record(question.name, 'trusted');
    return { ...answer, remembered: 'china', verdict: moved ? 'trusted' : 'china' };
  }

  async function ofUnknown(query: Uint8Array, question: Question): Promise<SplitAnswer> {
    const { result, answer } = await both(query, question, 'together', isBelievable);
    const verdict = verdictOf(result.choice, result, question.type);
    if (verdict !== undefined) verdicts.record(question.name, verdict);
    return { ...answer, remembered: undefined, verdict };
  }

  return async (query, question, kind) => {
    if (kind === 'local') return one('local', query, question);
    if (kind === 'china') return ofChinese(query, question);
    if (kind === 'foreign') return one('trusted', query, question);
    const remembered = unknown === 'race' ? verdicts.lookup(question.name) : undefined;
    const proven = remembered !== undefined || !hasAddresses(question.type);
    const useless = !upstreamIPv6 && question.type === TYPE.AAAA;
    if (unknown === 'trusted-only' || (proven && remembered !== 'china')) {
      const answer = useless ? unreachable(query, question) : await one('trusted', query, question);
      return { ...answer, remembered, verdict: remembered };
    }
    const answer = await (proven ? ofFormerlyChinese : ofUnknown)(query, question);
    return useless && answer.side === 'trusted'
      ? { ...answer, ...unreachable(query, question, answer.asked) }
      : answer;
  };
}

/** Seconds for which an address that can't be reached is not asked for again. */
const UNREACHABLE_TTL = 60;

/** NODATA in the place of IPv6 addresses of a name that goes through an upstream without IPv6: each would cost a timeout. */
function unreachable(query: Uint8Array, question: Question, asked: readonly Asked[] = []) {
  const message = composeNegative(query, question, RCODE.NOERROR, { ttl: UNREACHABLE_TTL });
  return { message, side: 'trusted', reason: 'disabled', asked } as const;
}

/** What an answer for a name on the China list must be: its addresses may be anywhere (a Chinese company's CDN abroad). */
function isPlausible(judgement: Judgement): boolean {
  return judgement === 'chinese' || judgement === 'foreign' || judgement === 'addressless';
}

/** What China may say of a name that no list knows. */
function isBelievable(judgement: Judgement): boolean {
  return judgement === 'chinese' || judgement === 'addressless';
}

function hasAddresses(type: number): boolean {
  return type === TYPE.A || type === TYPE.AAAA;
}

/**
 * What a race tells of the name. That China has no address for it counts, so that it isn't shown there again, but not
 * for AAAA if the trusted side knows of none either: most Chinese names have no IPv6, and A is asked in the same moment.
 */
function verdictOf(
  choice: Choice,
  { china, trusted }: { readonly china: Runner; readonly trusted: Runner },
  type: number,
): Verdict | undefined {
  if (choice === 'china') return 'china';
  if (choice === 'neither') return undefined;
  if (china.disbelieved === 'foreign' || china.disbelieved === 'bogus') return 'trusted';
  const silent = china.ending?.is !== 'answered';
  if (silent) return undefined;
  const known = trusted.ending?.is === 'answered' && trusted.ending.judgement !== 'addressless';
  return type === TYPE.A || known ? 'trusted' : undefined;
}

type Runners = Partial<Record<Side, Runner>>;

/** Whose message is given. Where nobody has an answer, the trusted side's own "I failed" tells more than ours. */
function sideOf({ choice, trusted }: RaceResult): Side | undefined {
  if (choice !== 'neither') return choice;
  return trusted.ending?.message === undefined ? undefined : 'trusted';
}

function given(
  query: Uint8Array,
  question: Question,
  runners: Runners,
  side: Side | undefined,
): Pick<SplitAnswer, 'message' | 'side' | 'reason' | 'asked'> {
  const message = side && runners[side]?.ending?.message;
  const asked = Object.entries(runners).flatMap(([side, runner]) =>
    runner.asked === undefined ? [] : [report(side as Side, runner)],
  );
  const reason = side === undefined ? 'failed' : REASON[side];
  return { message: message ?? failure(query, question, asked), side, reason, asked };
}

const REASON = { china: 'cn', trusted: 'fq', local: 'local' } as const;

function report(side: Side, { asked, ended, ending, disbelieved, lie }: Runner): Asked {
  const ms = asked === undefined || ended === undefined ? undefined : ended - asked;
  if (ending?.is === 'answered')
    return { side, ms, judgement: ending.judgement, message: ending.message, error: undefined };
  if (ending?.message) return { side, ms, judgement: 'unwell', message: ending.message, error: undefined };
  if (disbelieved) return { side, ms, judgement: disbelieved, message: lie, error: undefined };
  return { side, ms, judgement: ending ? 'failed' : 'pending', message: undefined, error: ending?.error };
}

/** SERVFAIL. RFC 8914 §4.23 and §4.24: nobody could be reached, or the network told us so; the text says who and why. */
function failure(query: Uint8Array, question: Question, asked: readonly Asked[]): Uint8Array {
  const words = asked.map(({ side, judgement, error }) => `${side}: ${wordOf(judgement, error)}`);
  const silent = asked.every(
    ({ error }) => statusOf(error) === undefined || statusOf(error) === 'ERR_DNS_TIMEOUT',
  );
  const code = silent ? EDE.NO_REACHABLE_AUTHORITY : EDE.NETWORK_ERROR;
  return composeFailure(query, question, RCODE.SERVFAIL, { code, text: words.join(', ') });
}

function wordOf(judgement: Asked['judgement'], error: unknown): string {
  if (judgement === 'pending') return 'no answer in time';
  return judgement === 'failed' ? (statusOf(error) ?? 'failed') : `${judgement} answer`;
}

function statusOf(error: unknown): string | undefined {
  return error instanceof ExchangeError ? error.status : undefined;
}

/** Ends the wait when the client's would end, whatever the exchange does. */
function withinPatience(clock: Clock, ask: (signal: EndSignal) => Promise<Ending>): Promise<Ending> {
  const over = new WaitEnd();
  return new Promise((resolve) => {
    const cancel = clock.after(PATIENCE_MS, () => {
      over.abort();
      resolve({ is: 'failed', error: new ExchangeError('ERR_DNS_TIMEOUT', 'no answer in time') });
    });
    void ask(over).then((ending) => {
      cancel();
      return resolve(ending);
    });
  });
}
