/**
 * Two sides asked for one answer: China's and the trusted one. What to do at each moment is a table; around it stand the
 * clock and the two questions.
 */
import type { Clock } from '../base/clock.ts';
import { WaitEnd, type EndSignal } from './exchange/end.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { Judgement } from './judgement.ts';
import type { Question } from './question.ts';

/**
 * The longest that a client waits for us. glibc and systemd-resolved give a server 5 s before they ask again or
 * another: an answer, be it SERVFAIL, comes before that.
 */
export const PATIENCE_MS = 4_000;

/**
 * How long an answer of the trusted side waits for China's. China's resolvers are near, and answer within some 50 ms;
 * half a second covers one lost datagram asked for again, and is what an unknown name costs when that side is dead.
 */
export const GRACE_MS = 500;

/** After this much silence of China's side the trusted one is asked too: a name is known to be Chinese, but its servers may be gone. */
export const HEDGE_MS = 1_000;

/** How one side's question ended. */
export type Ending =
  /** It was believed. */
  | { readonly is: 'answered'; readonly message: Uint8Array; readonly judgement: Judgement }
  /** Nothing came, or nothing but what the resolver itself calls a failure: that is `message`. */
  | { readonly is: 'failed'; readonly message?: Uint8Array; readonly error?: unknown };

/** One side, as the race goes. */
export interface Runner {
  /** Milliseconds of the clock; undefined: not asked. */
  asked?: number;
  ending?: Ending;
  /** When it ended. */
  ended?: number;
  /** Of answers that were not believed: why the latest wasn't. */
  disbelieved?: Judgement;
  /** The latest such answer, for the explanation. */
  lie?: Uint8Array;
}

export type Choice = 'china' | 'trusted' | 'neither';

export interface RaceState {
  readonly china: Runner;
  readonly trusted: Runner;
  /** The time that the race's `wait` gives to China alone, or to China once the trusted side has answered, is over. */
  readonly waited: boolean;
}

/**
 * Both are asked at once: an unknown name. China's answer is believed only if it is Chinese or has no addresses.
 * @returns undefined: wait
 */
function chooseOfRace({ china, trusted, waited }: RaceState): Choice | undefined {
  const chinese = china.ending?.is === 'answered' && china.ending.judgement === 'chinese';
  if (chinese) return 'china';
  // China has said what it has to say: something else than Chinese addresses, or nothing.
  const heard = china.ending !== undefined || china.disbelieved !== undefined;
  if (trusted.ending?.is === 'answered') return heard || waited ? 'trusted' : undefined;
  // An answer from China that isn't Chinese may be forged: better none.
  if (trusted.ending?.is === 'failed') return heard ? 'neither' : undefined;
  return undefined;
}

/** China is asked first: a name known to be Chinese. The trusted side stands in. @returns undefined: wait */
function chooseOfRelay({ china, trusted }: RaceState): Choice | undefined {
  if (china.ending?.is === 'answered') return 'china';
  if (trusted.ending?.is === 'answered') return 'trusted';
  return china.ending && trusted.ending && 'neither';
}

export interface RaceOptions {
  readonly query: Uint8Array;
  readonly question: Question;
  readonly china: Exchange;
  readonly trusted: Exchange;
  readonly clock: Clock;
  /** What an answer is worth, and whether China's is believed; the trusted side's is if it can be read. */
  readonly judge: (answer: Uint8Array) => Judgement;
  readonly believes: (judgement: Judgement) => boolean;
  /** `together`: an unknown name. `china-first`: one known to be Chinese. */
  readonly start: 'together' | 'china-first';
}

export interface RaceResult extends Omit<RaceState, 'waited'> {
  readonly choice: Choice;
}

/** Never rejects, and ends within {@link PATIENCE_MS} whatever the exchanges do; then neither is asked any more. */
export function race(options: RaceOptions): Promise<RaceResult> {
  const { clock, start, believes } = options;
  const china: Runner = {};
  const trusted: Runner = {};
  const ended = new WaitEnd();
  let waiting = false;
  let waited = false;

  return new Promise((resolve) => {
    const cancels: (() => void)[] = [];

    const finish = (choice: Choice) => {
      if (ended.aborted) return;
      for (const cancel of cancels) cancel();
      ended.abort();
      resolve({ choice, china, trusted });
    };
    const step = () => {
      if (ended.aborted) return;
      const choice = (start === 'together' ? chooseOfRace : chooseOfRelay)({ china, trusted, waited });
      if (choice !== undefined) finish(choice);
      else if (start === 'china-first') {
        if (waited || china.disbelieved !== undefined || china.ending !== undefined) askTrusted();
      } else if (trusted.ending?.is === 'answered' && !waiting) wait(GRACE_MS);
    };
    const wait = (ms: number) => {
      waiting = true;
      cancels.push(
        clock.after(ms, () => {
          waited = true;
          step();
        }),
      );
    };
    const askTrusted = () => {
      if (trusted.asked === undefined)
        put(trusted, options.trusted, (judgement) => judgement !== 'malformed');
    };
    const put = (runner: Runner, exchange: Exchange, isBelieved: (judgement: Judgement) => boolean) => {
      runner.asked = clock.now();
      void outcome(exchange, options, ended, (answer) => {
        const judgement = options.judge(answer);
        if (judgement === 'unwell' || isBelieved(judgement)) return true;
        if (!ended.aborted) {
          runner.disbelieved = judgement;
          runner.lie = answer.slice();
          // Not at once: the exchange is in the midst of this answer.
          queueMicrotask(step);
        }
        return false;
      }).then((ending) => {
        if (ended.aborted) return undefined;
        runner.ending = ending;
        runner.ended = clock.now();
        return step();
      });
    };

    cancels.push(clock.after(PATIENCE_MS, () => finish(atLast({ china, trusted }))));
    put(china, options.china, believes);
    if (start === 'together') askTrusted();
    else wait(HEDGE_MS);
  });
}

/** Patience is over: what would have been waited for doesn't come. */
function atLast({ trusted }: Omit<RaceState, 'waited'>): Choice {
  return trusted.ending?.is === 'answered' ? 'trusted' : 'neither';
}

/** One side's answer. Never rejects. */
export async function outcome(
  exchange: Exchange,
  { query, question, judge }: Pick<RaceOptions, 'query' | 'question' | 'judge'>,
  signal: EndSignal,
  accept: (answer: Uint8Array) => boolean,
): Promise<Ending> {
  try {
    const message = await exchange.ask(query, question, { signal, accept });
    const judgement = judge(message);
    return judgement === 'unwell' ? { is: 'failed', message } : { is: 'answered', message, judgement };
  } catch (error) {
    return { is: 'failed', error };
  }
}
