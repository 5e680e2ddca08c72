import { expect, test } from 'bun:test';
import { formatAddress } from '../../src/net/address.ts';
import { askLocalAddresses, localAddresses } from '../../src/net/local_addresses.ts';

test("the machine's addresses, whatever zone they are written with", () => {
  const of = (address: string) => ({ address }) as never;
  const has = askLocalAddresses(() => ({
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
  expect(askLocalAddresses()('127.0.0.1')).toBe(true);
  expect(askLocalAddresses()('192.0.2.1')).toBe(false);
});

test('each once, in the order of the interfaces, without zones', () => {
  const of = (address: string) => ({ address }) as never;
  const found = localAddresses(() => ({
    en0: [of('fe80::1%en0'), of('192.168.1.5'), of('2a00::7')],
    lo0: [of('127.0.0.1'), of('::1'), of('fe80::1')],
    en1: [of('192.168.1.5'), of('what?')],
    utun0: undefined,
  }));
  expect(found.map(formatAddress)).toEqual(['fe80::1', '192.168.1.5', '2a00::7', '127.0.0.1', '::1']);
});
