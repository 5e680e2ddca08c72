import { expect, test } from 'bun:test';
import { localAddresses } from '../../src/net/local_addresses.ts';

test("the machine's addresses, whatever zone they are written with", () => {
  const of = (address: string) => ({ address }) as never;
  const has = localAddresses(() => ({
    lo0: [of('127.0.0.1')],
    en0: [of('192.168.1.5'), of('fe80::1%en0'), of('2001:db8::5')],
    en1: undefined,
  }));
  expect(['192.168.1.5', 'fe80::1', 'fe80::1%en0', '2001:db8::5', '127.0.0.1'].map(has)).toEqual(
    Array(5).fill(true),
  );
  expect(['192.168.1.6', '', '192.168.1'].map(has)).toEqual([false, false, false]);
});

test('those of this machine', () => {
  expect(localAddresses()('127.0.0.1')).toBe(true);
  expect(localAddresses()('192.0.2.1')).toBe(false);
});
