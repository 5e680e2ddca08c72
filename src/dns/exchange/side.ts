/** The resolvers of one side as one: the fastest that works is asked, and others when it is slow or fails. */
import { realClock, type Clock } from '../../base/clock.ts';
import { RCODE } from '../wire/constants.ts';
import { flagsOf, RCODE_MASK } from '../wire/header.ts';
import { NotBelievedError } from './connection.ts';
import { WaitEnd } from './end.ts';
import type { Exchange } from './exchange.ts';
import { onAbort, timeout } from './gate.ts';
import { createStanding, type Standing } from './standing.ts';

export interface ResolverStats {
  readonly label: string;
  /** Moving average of its answers' times; undefined if it never answered. */
  readonly milliseconds: number | undefined;
  readonly failures: number;
}

export interface SideExchange extends Exchange {
  /** In the order of the configuration. */
  stats(): ResolverStats[];
}

interface Member {
  readonly exchange: Exchange;
  readonly standing: Standing;
}

/** Answers that another resolver may better. If none does, they are answers all the same. */
const LAME: ReadonlySet<number> = new Set([RCODE.FORMERR, RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED]);

/**
 * @param exchanges at least one; closed with the side
 */
export function createSide(
  label: string,
  exchanges: readonly Exchange[],
  clock: Clock = realClock,
): SideExchange {
  const members = exchanges.map((exchange): Member => ({ exchange, standing: createStanding() }));

  return {
    label,

    ask(query, question, { signal, accept }) {
      if (signal.aborted) return Promise.reject(timeout(`${label}: not asked in time`, signal));
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
      const [first, ...others] = ranked(members, clock.now());
      const waiting = [...others];
      /** What ends each that is asked. */
      const asked = new Set<WaitEnd>();
      let isSettled = false;
      let lame: Uint8Array | undefined;
      let cancelHedge = () => {};

      const settle = (settled: () => void) => {
        if (isSettled) return;
        isSettled = true;
        cancelHedge();
        leave();
        for (const one of asked) one.abort();
        settled();
      };
      const askNext = (error?: unknown) => {
        if (isSettled) return;
        const next = waiting.shift();
        if (next) return start(next);
        if (asked.size > 0) return;
        settle(() => (lame ? resolve(lame) : reject(error)));
      };
      const start = (member: Member) => {
        const { exchange, standing } = member;
        cancelHedge();
        cancelHedge = clock.after(standing.patience, askNext);
        const began = clock.now();
        const ending = new WaitEnd();
        asked.add(ending);
        const came = (answer: Uint8Array) => {
          asked.delete(ending);
          standing.answered(clock.now() - began, clock.now());
          if (!LAME.has(flagsOf(answer) & RCODE_MASK)) return settle(() => resolve(answer));
          lame ??= answer;
          askNext();
        };
        const failed = (error: unknown) => {
          asked.delete(ending);
          if (ending.aborted) return standing.outpaced(clock.now() - began, clock.now());
          if (error instanceof NotBelievedError) {
            // Another resolver of this side would say the same, and learn the name.
            standing.answered(clock.now() - began, clock.now());
            return settle(() => reject(error));
          }
          standing.failed(clock.now());
          askNext(error);
        };
        exchange.ask(query, question, { signal: ending, ...(accept && { accept }) }).then(came, failed);
      };
      const leave = onAbort(signal, () =>
        settle(() => reject(timeout(`${label}: no answer in time`, signal))),
      );
      start(first!);
      // Asked along, to learn of it.
      const due = waiting.find(({ standing }) => standing.isDue(clock.now()));
      if (due) {
        waiting.splice(waiting.indexOf(due), 1);
        start(due);
      }
      return promise;
    },

    stats: () =>
      members.map(({ exchange, standing }) => ({
        label: exchange.label,
        milliseconds: standing.average,
        failures: standing.failures,
      })),

    renew() {
      for (const { exchange, standing } of members) {
        standing.renew();
        exchange.renew?.();
      }
    },

    close() {
      for (const { exchange } of members) exchange.close();
    },
  };
}

/** The fastest first, as far as is known; behind them those that have failed of late, the longest rested first. */
function ranked(members: readonly Member[], now: number): Member[] {
  const rest = ({ standing }: Member) => (standing.restsUntil > now ? standing.restsUntil : 0);
  const time = ({ standing }: Member) => standing.average ?? Infinity;
  return members.toSorted((a, b) => rest(a) - rest(b) || compare(time(a), time(b)));
}

/** Infinity − Infinity is no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
