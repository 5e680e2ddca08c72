/** Parts of a few lines. */
import { describe, expect, test } from 'bun:test';
import type { NetworkInterfaceInfo } from 'node:os';
import { formatAddress } from '../../../src/net/address.ts';
import { takingTurns } from '../../../src/redirect/pf/in_turn.ts';
import { sayingOnce } from '../../../src/redirect/pf/once.ts';
import { ownAddresses } from '../../../src/redirect/pf/own_addresses.ts';
import { startWatchdog } from '../../../src/redirect/pf/watchdog.ts';
import { createFakeClock } from '../../base/fake_clock.ts';

test('takingTurns() begins each when the one before has ended, in whatever way', async () => {
  const inTurn = takingTurns();
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = inTurn(async () => {
    order.push('one begins');
    await first.promise;
    order.push('one ends');
    throw new Error('badly');
  });
  const two = inTurn(async () => {
    order.push('two');
    return 2;
  });
  await Bun.sleep(1);
  expect(order).toEqual(['one begins']);
  first.resolve();
  expect(() => one).toThrow('badly');
  expect(await two).toBe(2);
  expect(order).toEqual(['one begins', 'one ends', 'two']);
});

test('sayingOnce() knows news', () => {
  const isNews = sayingOnce();
  expect(['a', 'a', 'b', undefined, 'b', 'a'].map(isNews)).toEqual([true, false, true, false, true, true]);
});

describe('ownAddresses()', () => {
  const info = (address: string) => ({ address }) as NetworkInterfaceInfo;

  test('has each once, in one order, without zones', () => {
    const found = ownAddresses(() => ({
      en0: [info('fe80::1%en0'), info('192.168.1.5'), info('2a00::7')],
      lo0: [info('127.0.0.1'), info('::1'), info('fe80::1')],
      en1: [info('192.168.1.5'), info('what?')],
      utun0: undefined,
    }));
    expect(found.map(formatAddress)).toEqual(['127.0.0.1', '192.168.1.5', '2a00::7', '::1', 'fe80::1']);
  });

  test('are those of this machine', () => {
    expect(ownAddresses().map(formatAddress)).toContain('127.0.0.1');
  });
});

describe('startWatchdog()', () => {
  test('waits 30 s after each look, and not while one lasts', async () => {
    const clock = createFakeClock();
    const looks: PromiseWithResolvers<void>[] = [];
    const watchdog = startWatchdog(clock, () => {
      looks.push(Promise.withResolvers<void>());
      return looks.at(-1)!.promise;
    });
    await clock.pass(29_999);
    expect(looks).toHaveLength(0);
    await clock.pass(100_000);
    expect(looks).toHaveLength(1);
    looks[0]!.resolve();
    await clock.pass(29_999);
    expect(looks).toHaveLength(1);
    await clock.pass(1);
    expect(looks).toHaveLength(2);
    // Stopped in the middle of a look.
    watchdog.stop();
    looks[1]!.resolve();
    await clock.pass(100_000);
    expect(looks).toHaveLength(2);
    expect(clock.waiting).toBe(0);
  });

  test('does not look once it is stopped', async () => {
    const clock = createFakeClock();
    startWatchdog(clock, () => Promise.reject(new Error('a look'))).stop();
    await clock.pass(100_000);
    expect(clock.waiting).toBe(0);
  });
});
