import { expect, test } from 'bun:test';
import { ExchangeError } from '../../../src/dns/exchange/exchange.ts';
import { notBelieved } from '../../../src/dns/exchange/connection.ts';
import { createSide } from '../../../src/dns/exchange/side.ts';
import { createFakeClock, type FakeClock } from '../../base/fake_clock.ts';
import { scripted, type Line } from '../scripted_exchange.ts';
import { answer, ask, failure, NEVER, SERVFAIL, told } from './messages.ts';

/** What an answer says, in words; on the wire an address stands for each. */
const WORDS = [
  'slow',
  'fast',
  'middling',
  'usual',
  'other',
  'good',
  'lame',
  'forged',
  'true',
  'first',
  'second',
] as const;
type Word = (typeof WORDS)[number];
const wordOf = (message: Uint8Array) => WORDS[Number(String(told(message).data[0]).split('.')[3])];

const says =
  (word: Word, flags = 0): Line['says'] =>
  (query) =>
    answer(query, [`192.0.2.${WORDS.indexOf(word)}`], { flags });
const REFUSES = new ExchangeError('ERR_DNS_UNREACHABLE', 'nobody there');

/** A side of resolvers, each with its own milliseconds or failures: what they do may change from query to query. */
function side(clock: FakeClock, ...scripts: (() => readonly Line[])[]) {
  const resolvers = scripts.map((script, n) => scripted(`r${n}`, clock, script));
  const all = createSide('china', resolvers, clock);
  const { query, question } = ask('a.test');
  return {
    ...all,
    resolvers,
    counts: () => resolvers.map(({ asked }) => asked.length),
    asks: async () => wordOf(await clock.until(all.ask(query, question, { signal: NEVER }))),
    fails: () => failure(clock.until(all.ask(query, question, { signal: NEVER }))),
    query,
    question,
  };
}
const after = (at: number, word: Word) => () => [{ at, says: says(word) }];

test('the fastest is found out, and asked alone then', async () => {
  const clock = createFakeClock();
  const { asks, counts, ...china } = side(clock, after(80, 'slow'), after(20, 'fast'), after(50, 'middling'));
  const first = await asks();
  for (let n = 0; n < 10; n++) await asks();
  const [, before] = counts();
  const last = await asks();
  expect([first, last]).toEqual(['fast', 'fast']);
  expect(counts()[1]).toBe(before! + 1);
  expect(counts()[0]! + counts()[2]!).toBeLessThan(6);
  expect(china.stats()[1]).toEqual({ label: 'r1', milliseconds: 20, failures: 0 });
});

test('one that is silent for longer than its wont is not waited for', async () => {
  const clock = createFakeClock();
  let isSilent = false;
  const { asks, counts, resolvers } = side(
    clock,
    () => (isSilent ? [] : [{ at: 10, says: says('usual') }]),
    after(40, 'other'),
  );
  for (let n = 0; n < 3; n++) expect(await asks()).toBe('usual');
  isSilent = true;
  const began = clock.now();
  expect(await asks()).toBe('other');
  expect(clock.now() - began).toBeLessThan(200);
  // Nobody waits for it any more.
  expect(resolvers.map(({ pending }) => pending)).toEqual([0, 0]);
  // It loses its place: the other is asked alone.
  for (let n = 0; n < 3; n++) await asks();
  const [usual] = counts();
  for (let n = 0; n < 3; n++) expect(await asks()).toBe('other');
  expect(counts()[0]).toBe(usual);
});

test('one that fails is replaced at once, left alone for a while, and comes back', async () => {
  const clock = createFakeClock();
  let isDown = false;
  const { asks, counts, ...china } = side(
    clock,
    () => (isDown ? [{ at: 1, says: REFUSES }] : [{ at: 10, says: says('usual') }]),
    after(40, 'other'),
  );
  for (let n = 0; n < 3; n++) expect(await asks()).toBe('usual');
  isDown = true;
  const began = clock.now();
  expect(await asks()).toBe('other');
  expect(clock.now() - began).toBe(41);
  expect(china.stats().map(({ failures }) => failures)[0]).toBe(1);
  const [usual] = counts();
  expect(await asks()).toBe('other');
  expect(counts()[0]).toBe(usual);
  isDown = false;
  await clock.until(new Promise<void>((resolve) => void clock.after(2_000, resolve)));
  expect(await asks()).toBe('usual');
});

test('on another network, one that failed is tried again at once', async () => {
  const clock = createFakeClock();
  let isDown = true;
  const { asks, counts, ...china } = side(
    clock,
    () => (isDown ? [{ at: 1, says: REFUSES }] : [{ at: 10, says: says('usual') }]),
    after(40, 'other'),
  );
  for (let n = 0; n < 9; n++) await asks();
  const [before] = counts();
  isDown = false;
  expect(await asks()).toBe('other');
  expect(counts()[0]).toBe(before);
  china.renew!();
  expect(await asks()).toBe('usual');
});

test('the first good answer wins: SERVFAIL is one only if there is no better', async () => {
  const clock = createFakeClock();
  const lame = () => [{ at: 5, says: says('lame', SERVFAIL) }];
  expect(await side(clock, lame, after(30, 'good')).asks()).toBe('good');
  expect(await side(clock, lame, () => [{ at: 9, says: REFUSES }]).asks()).toBe('lame');
  expect(await side(clock, lame, lame).asks()).toBe('lame');
});

test('if all fail, the last error is told', async () => {
  const clock = createFakeClock();
  const { fails, counts } = side(
    clock,
    () => [{ at: 5, says: new ExchangeError('ERR_DNS_TLS', 'expired') }],
    () => [{ at: 9, says: REFUSES }],
  );
  expect(await fails()).toBe('ERR_DNS_UNREACHABLE');
  expect(counts()).toEqual([1, 1]);
  // They are tried again even while they should be left alone: there is nobody else.
  expect(await fails()).toBe('ERR_DNS_UNREACHABLE');
  expect(counts()).toEqual([2, 2]);
});

test('what is not believed is no answer', async () => {
  const clock = createFakeClock();
  const one = side(clock, after(5, 'forged'), after(50, 'true'));
  const accept = (message: Uint8Array) => wordOf(message) !== 'forged';
  const asked = one.ask(one.query, one.question, { signal: NEVER, accept });
  expect(wordOf(await clock.until(asked))).toBe('true');
});

test('a resolver whose answer was not believed has not failed, and no other is shown the name', async () => {
  const clock = createFakeClock();
  const { fails, counts, ...china } = side(
    clock,
    () => [{ at: 5, says: notBelieved('r0') }],
    after(50, 'true'),
  );
  for (let n = 1; n <= 3; n++) {
    expect(await fails()).toBe('ERR_DNS_PROTOCOL');
    // Once, along with the first, to learn how fast it is.
    expect(counts()).toEqual([n, 1]);
  }
  expect(china.stats()[0]).toMatchObject({ milliseconds: 5, failures: 0 });
});

test('the signal ends all that was asked', async () => {
  const clock = createFakeClock();
  const silent = side(
    clock,
    () => [],
    () => [],
  );
  const controller = new AbortController();
  const asked = failure(silent.ask(silent.query, silent.question, { signal: controller.signal }));
  expect(silent.resolvers.map(({ pending }) => pending)).toEqual([1, 1]);
  controller.abort();
  expect(await clock.until(asked)).toBe('ERR_DNS_TIMEOUT');
  expect(silent.resolvers.map(({ pending }) => pending)).toEqual([0, 0]);
  expect(clock.waiting).toBe(0);
  const late = silent.ask(silent.query, silent.question, { signal: controller.signal });
  expect(await failure(late)).toBe('ERR_DNS_TIMEOUT');
});

test('what was learned grows old: the slower one is tried again, along with the faster', async () => {
  const clock = createFakeClock();
  let isQuick = false;
  const { asks } = side(clock, after(30, 'first'), () => [{ at: isQuick ? 3 : 90, says: says('second') }]);
  for (let n = 0; n < 5; n++) expect(await asks()).toBe('first');
  isQuick = true;
  expect(await asks()).toBe('first');
  await clock.until(new Promise<void>((resolve) => void clock.after(61_000, resolve)));
  for (let n = 0; n < 20; n++) await asks();
  expect(await asks()).toBe('second');
});
