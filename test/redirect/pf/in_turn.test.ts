import { expect, test } from 'bun:test';
import { takingTurns } from '../../../src/redirect/pf/in_turn.ts';

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
