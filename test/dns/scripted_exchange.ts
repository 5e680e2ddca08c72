/** A resolver that says what a test has written down, when it has, and that keeps to the contract of an exchange. */
import { type Exchange, ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Question } from '../../src/dns/question.ts';
import type { Clock } from '../../src/base/clock.ts';
import { answers } from '../../src/dns/wire/answer.ts';

/** What comes, and after how many milliseconds; an error ends the exchange's own efforts. */
export interface Line {
  readonly at: number;
  readonly says: ((query: Uint8Array, question: Question) => Uint8Array) | Error;
}

export interface ScriptedExchange extends Exchange {
  /** The names asked for, in order. */
  readonly asked: string[];
  /** Asked for and neither answered nor given up. */
  readonly pending: number;
}

export function scripted(
  label: string,
  clock: Clock,
  script: (question: Question) => readonly Line[],
): ScriptedExchange {
  const asked: string[] = [];
  let pending = 0;
  return {
    label,
    asked,
    get pending() {
      return pending;
    },
    close: () => {},
    ask(query, question, { signal, accept = () => true }) {
      asked.push(question.name);
      pending++;
      let cancels: (() => void)[] = [];
      return new Promise<Uint8Array>((resolve, reject) => {
        cancels = script(question).map(({ at, says }) =>
          clock.after(at, () => {
            if (says instanceof Error) return reject(says);
            const message = says(query, question);
            return answers(query, message) && accept(message) ? resolve(message) : undefined;
          }),
        );
        signal.addEventListener(
          'abort',
          () => reject(new ExchangeError('ERR_DNS_TIMEOUT', 'the wait was ended')),
          { once: true },
        );
      }).finally(() => {
        pending--;
        for (const cancel of cancels) cancel();
      });
    },
  };
}
