import { expect, test } from 'bun:test';
import { refreshSubscriptions } from '../../../src/app/subscriptions/refresh.ts';
import { sameUpstreams } from '../../../src/app/subscriptions/subscribed.ts';
import { silent } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { loadText } from '../../../src/config/load.ts';
import { createFakeClock } from '../../base/fake_clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function refreshing(refresh: number) {
  const clock = createFakeClock();
  const renewals: number[] = [];
  const warned: unknown[] = [];
  const state = { isDown: false, renewed: 0, finish: Promise.resolve() };
  const fresh = refreshSubscriptions([{ url: new Secret('https://h.example/token'), refresh }], {
    async renew() {
      renewals.push(clock.now() / MINUTE);
      await state.finish;
      if (state.isDown) throw new Error('down');
    },
    renewed: () => void state.renewed++,
    log: { ...silent, warn: (...said) => void warned.push(said) },
    clock,
  });
  return { clock, renewals, warned, state, stop: () => fresh.stop() };
}

const SOON = 5 / 60;

test('is fetched soon after the start, and then every so often', async () => {
  const { clock, renewals, state } = refreshing(HOUR);
  await clock.pass(2 * HOUR + MINUTE);
  expect(renewals).toEqual([SOON, SOON + 60, SOON + 120]);
  expect(state.renewed).toBe(3);
});

test('that fails is tried again sooner, said each time, and changes nothing', async () => {
  const { clock, renewals, warned, state } = refreshing(HOUR);
  state.isDown = true;
  await clock.pass(11 * MINUTE);
  expect(renewals).toEqual([SOON, SOON + 5, SOON + 10]);
  expect(state.renewed).toBe(0);
  expect(warned).toHaveLength(3);
  expect(warned[0]).toEqual([
    'a subscription could not be refreshed; the last good one stays',
    { subscription: expect.stringMatching(/ of h\.example$/), status: 'ERR_INTERNAL', reason: 'down' },
  ]);
  state.isDown = false;
  await clock.pass(HOUR);
  expect(renewals.slice(3)).toEqual([SOON + 15]);
});

test('but never more often than it is to be', async () => {
  const { clock, renewals, state } = refreshing(30 * MINUTE);
  state.isDown = true;
  await clock.pass(MINUTE);
  expect(renewals).toHaveLength(1);
  const often = refreshing(1000);
  often.state.isDown = true;
  await often.clock.pass(8_500);
  expect(often.renewals).toHaveLength(4);
});

test('stops: what is under way then changes nothing', async () => {
  const { clock, state, stop } = refreshing(HOUR);
  const { promise, resolve } = Promise.withResolvers<void>();
  state.finish = promise;
  await clock.pass(6_000);
  stop();
  resolve();
  await clock.pass(2 * HOUR);
  expect(state.renewed).toBe(0);
  expect(clock.waiting).toBe(0);
});

test('two lists of upstreams are the same only with the same secrets', () => {
  const of = (...links: string[]) =>
    loadText({ name: 'f', text: JSON.stringify({ upstream: links }) }).config.upstreams;
  const one = 'ss://aes-128-gcm:hunter2@h:1#a';
  const other = 'socks5://u:p@h:2';
  expect(sameUpstreams(of(one, other), of(one, other))).toBe(true);
  for (const unlike of [of(other, one), of(one), of(one.replace('hunter2', 'hunter3'), other), of(`${one}b`, other)])
    expect(sameUpstreams(of(one, other), unlike)).toBe(false);
}); // prettier-ignore
