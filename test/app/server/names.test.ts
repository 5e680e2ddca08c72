import { describe, expect, test } from 'bun:test';
import { interleaved, rememberFor } from '../../../src/app/server/names.ts';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';

const address = (text: string) => parseAddress(text)!;

describe('names that are asked for', () => {
  /** Answers with how often it was asked; fails for names with `bad` in them. */
  function counting() {
    let time = 0;
    const asked: string[] = [];
    const lookup = rememberFor(
      (name) => {
        asked.push(name);
        return name.includes('bad')
          ? Promise.reject(new Error(name))
          : Promise.resolve([address('192.0.2.1')]);
      },
      () => time,
      1_000,
    );
    return { lookup, asked, pass: (ms: number) => (time += ms) };
  }

  test('together are asked for once, and again when the answer is old', async () => {
    const { lookup, asked, pass } = counting();
    await Promise.all([lookup('a'), lookup('a'), lookup('b')]);
    expect(asked).toEqual(['a', 'b']);
    pass(499);
    await lookup('a');
    expect(asked).toEqual(['a', 'b']);
    pass(501);
    await lookup('a');
    pass(1_000);
    await lookup('a');
    expect(asked.filter((name) => name === 'a').length).toBeGreaterThan(1);
  });

  test('are never answered with what is older than it may be', async () => {
    const { lookup, asked, pass } = counting();
    let answered = 0;
    for (let time = 0; time < 20_000; time += 130) {
      const before = asked.length;
      await lookup('a');
      if (asked.length > before) answered = time;
      expect(time - answered).toBeLessThanOrEqual(1_000);
      pass(130);
    }
  });

  test('that have failed are asked for again', async () => {
    const { lookup, asked } = counting();
    await Promise.allSettled([lookup('bad'), lookup('bad')]);
    await Promise.allSettled([lookup('bad')]);
    expect(asked).toEqual(['bad', 'bad']);
  });

  test('in any number take bounded memory: the oldest are forgotten', async () => {
    const { lookup, asked } = counting();
    for (let i = 0; i < 3_000; i++) await lookup(`n${i}`);
    await lookup('n0');
    expect(asked).toHaveLength(3_001);
    await lookup('n2999');
    expect(asked).toHaveLength(3_001);
  });
});

test.each([
  ['', ''],
  ['1.1.1.1', '1.1.1.1'],
  ['1.1.1.1 2.2.2.2', '1.1.1.1 2.2.2.2'],
  ['::1 ::2 1.1.1.1', '::1 1.1.1.1 ::2'],
  ['1.1.1.1 ::1 ::2 2.2.2.2 ::3', '1.1.1.1 ::1 2.2.2.2 ::2 ::3'],
])('addresses %p are tried in the order %p', (given, order) => {
  const addresses = given.split(' ').filter(Boolean).map(address);
  expect(interleaved(addresses).map(formatAddress).join(' ')).toBe(order);
});
