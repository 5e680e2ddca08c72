import { expect, test } from 'bun:test';
import { sayingOnce } from '../../../src/redirect/pf/saying_once.ts';

test('sayingOnce() knows news', () => {
  const isNews = sayingOnce();
  expect(['a', 'a', 'b', undefined, 'b', 'a'].map(isNews)).toEqual([true, false, true, false, true, true]);
});
