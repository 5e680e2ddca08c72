import { expect, test } from 'bun:test';
import { runGuarded } from './run_guarded.ts';

test('a C function that writes more than there is room for is found out', async () => {
  const spoiler = new URL('spoiler.ts', import.meta.url).pathname;
  expect(await runGuarded([spoiler])).toEqual({
    code: 99,
    stdout: '0',
    stderr: 'spoilt: of 12 bytes, those at 12,13,14,15\n',
    places: 1,
  });
});
