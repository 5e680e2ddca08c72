import { expect, test } from 'bun:test';
import { mayChangeNetwork } from '../../src/app/root.ts';

test.each([
  ['all capabilities', 'Name:\tsnet\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n', true],
  ['only CAP_NET_ADMIN', 'CapEff:\t0000000000001000\n', true],
  ['all but CAP_NET_ADMIN', 'CapEff:\t000001ffffffefff\n', false],
  ['none', 'CapEff:\t0000000000000000\n', false],
  ['no /proc', '', true],
])('%s', (_, status, expected) => {
  expect(mayChangeNetwork(status)).toBe(expected);
});
