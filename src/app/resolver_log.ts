/** Says that a resolver fails, and why: others may answer in its place, so that nobody would notice. */
import { explain, SnetError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Exchange } from '../dns/exchange/exchange.ts';

/** Milliseconds for which the same is not said again of a resolver that answers now and then. */
export const QUIET_MS = 600_000;

/**
 * The same exchange, whose failures are told, each kind at most once in {@link QUIET_MS}, and then that it answers again.
 * That nobody waits for an answer any more, or doesn't believe one, is no failure.
 *
 * @param now milliseconds, monotonic
 */
export function withResolverLog(exchange: Exchange, log: Log, now = () => performance.now()): Exchange {
  /** When it was last said, by status word. */
  const said = new Map<string, number>();
  let isFailing = false;
  let isClosed = false;

  const failed = (error: unknown) => {
    const { status, hint } = error instanceof SnetError ? error : { status: 'ERR_INTERNAL', hint: undefined };
    if (now() - (said.get(status) ?? -Infinity) < QUIET_MS) return;
    said.set(status, now());
    isFailing = true;
    log.warn('a resolver fails', { resolver: exchange.label, status, reason: explain(error), hint });
  };
  const answered = () => {
    if (isFailing) log.info('a resolver answers again', { resolver: exchange.label });
    isFailing = false;
  };

  return {
    get label() {
      return exchange.label;
    },
    async ask(query, question, { signal, accept }) {
      let isDisbelieved = false;
      const judge = (answer: Uint8Array) => {
        const isBelieved = accept!(answer);
        isDisbelieved ||= !isBelieved;
        return isBelieved;
      };
      try {
        const answer = await exchange.ask(query, question, { signal, ...(accept && { accept: judge }) });
        answered();
        return answer;
      } catch (error) {
        if (!signal.aborted && !isDisbelieved && !isClosed) failed(error);
        throw error;
      }
    },
    renew: () => exchange.renew?.(),
    close() {
      isClosed = true;
      exchange.close();
    },
  };
}
