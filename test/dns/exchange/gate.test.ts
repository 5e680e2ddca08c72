import { expect, test } from 'bun:test';
import { createGate } from '../../../src/dns/exchange/gate.ts';
import { failure, NEVER } from './messages.ts';

/** Work that ends when the test says so. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const state = { begun: false };
  const run = () => {
    state.begun = true;
    return promise;
  };
  return { run, state, resolve, reject };
}

test('lets in so many, then one for each that leaves, in order, however it leaves', async () => {
  const gate = createGate(2);
  const works = Array.from({ length: 5 }, work);
  const done = works.map(({ run }) => failure(gate(NEVER, run)));
  const begun = () => works.map(({ state }) => state.begun);
  expect(begun()).toEqual([true, true, false, false, false]);
  works[1]!.reject(new Error('no'));
  await done[1];
  expect(begun()).toEqual([true, true, true, false, false]);
  works[0]!.resolve('yes');
  expect(await done[0]).toEqual({ instead: 'yes' });
  expect(begun()).toEqual([true, true, true, true, false]);
  for (const { resolve } of works) resolve('end');
  await Promise.all(done);
  expect(begun()).toEqual([true, true, true, true, true]);
});

test('who gives up in line leaves no gap, and does nothing', async () => {
  const gate = createGate(1);
  const [first, second, third] = [work(), work(), work()];
  const controller = new AbortController();
  const begun = gate(NEVER, first.run);
  const given = failure(gate(controller.signal, second.run));
  const last = gate(NEVER, third.run);
  expect(await failure(gate(AbortSignal.abort(), second.run))).toBe('ERR_DNS_TIMEOUT');
  controller.abort();
  expect(await given).toBe('ERR_DNS_TIMEOUT');
  first.resolve('');
  await begun;
  third.resolve('third');
  expect(await last).toBe('third');
  expect(second.state.begun).toBe(false);
  // All places are free again.
  expect(await gate(NEVER, () => Promise.resolve('free'))).toBe('free');
});
