import { expect, test } from 'bun:test';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { withoutNat64 } from '../../src/route/nat64.ts';

test.each([
  // RFC 6052 §2.4 has this one.
  ['64:ff9b::192.0.2.33', '192.0.2.33'],
  ['64:ff9b::808:808', '8.8.8.8'],
  ['64:ff9b:1::808:808', '64:ff9b:1::808:808'],
  ['64:ff9b::1:808:808', '64:ff9b::1:808:808'],
  ['2001:db8::808:808', '2001:db8::808:808'],
  ['8.8.8.8', '8.8.8.8'],
])('%s is %s', (given, meant) => {
  expect(formatAddress(withoutNat64(parseAddress(given)!))).toBe(meant);
});
