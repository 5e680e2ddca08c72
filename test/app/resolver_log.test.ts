import { expect, test } from 'bun:test';
import { QUIET_MS, withResolverLog } from '../../src/app/resolver_log.ts';
import { silent } from '../../src/base/log.ts';
import { ExchangeError, type Exchange, type ExchangeStatus } from '../../src/dns/exchange/exchange.ts';
import { readQuery, queryFor } from '../../src/dns/wire/query.ts';

const QUERY = queryFor('www.example', 1)!;
const QUESTION = readQuery(QUERY).question!;
const NEVER = new AbortController().signal;

/** An exchange that ends as it is told to, and the lines of the log on it. */
function logged() {
  const lines: string[] = [];
  const note = (message: string, fields: object = {}) =>
    void lines.push([message, ...Object.values(fields)].join(' '));
  const state: { status: ExchangeStatus | undefined; now: number; answer: Uint8Array } = {
    status: undefined,
    now: 0,
    answer: new Uint8Array(12),
  };
  const exchange: Exchange = {
    label: 'tls://1.1.1.1',
    async ask(_query, _question, { accept }) {
      if (state.status) throw new ExchangeError(state.status, 'why', { hint: 'a hint' });
      if (accept?.(state.answer) === false) throw new ExchangeError('ERR_DNS_PROTOCOL', 'not believed');
      return state.answer;
    },
    close: () => {},
  };
  const watched = withResolverLog(exchange, { ...silent, warn: note, info: note }, () => state.now);
  const ask = (options: Partial<Parameters<Exchange['ask']>[2]> = {}) =>
    watched.ask(QUERY, QUESTION, { signal: NEVER, ...options }).catch((error: unknown) => error);
  return { watched, state, lines, ask };
}

const FAILS = 'a resolver fails tls://1.1.1.1 ERR_DNS_TLS why a hint';
const AGAIN = 'a resolver answers again tls://1.1.1.1';

test('a failure is said once, and that it answers again', async () => {
  const { state, lines, ask } = logged();
  expect(await ask()).toBe(state.answer);
  state.status = 'ERR_DNS_TLS';
  expect(await ask()).toBeInstanceOf(ExchangeError);
  await ask();
  expect(lines).toEqual([FAILS]);
  state.status = undefined;
  await ask();
  await ask();
  expect(lines).toEqual([FAILS, AGAIN]);
});

test('another kind of failure is said as well', async () => {
  const { state, lines, ask } = logged();
  state.status = 'ERR_DNS_TLS';
  await ask();
  state.status = 'ERR_DNS_UNREACHABLE';
  await ask();
  expect(lines).toEqual([FAILS, FAILS.replace('TLS', 'UNREACHABLE')]);
});

test('of one that fails now and then the same is not said again for long', async () => {
  const { state, lines, ask } = logged();
  const failAndAnswer = async () => {
    state.status = 'ERR_DNS_TLS';
    await ask();
    state.status = undefined;
    await ask();
  };
  await failAndAnswer();
  await failAndAnswer();
  state.now = QUIET_MS;
  await failAndAnswer();
  expect(lines).toEqual([FAILS, AGAIN, FAILS, AGAIN]);
});

test('what nobody waits for, believes or needs any more is no failure', async () => {
  const { watched, state, lines, ask } = logged();
  expect(await ask({ accept: () => false })).toBeInstanceOf(ExchangeError);
  state.status = 'ERR_DNS_TIMEOUT';
  await ask({ signal: AbortSignal.abort() });
  watched.close();
  state.status = 'ERR_DNS_UNREACHABLE';
  await ask();
  expect(lines).toEqual([]);
});
