import { expect, test } from 'bun:test';
import { clientKey } from '../../src/server/client_key.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['::1', '::/64'],
  // With a zone, as a link-local peer has.
  ['fe80::1%eth0', 'fe80::1%eth0'],
])('%s counts as %s', (address, key) => {
  expect(clientKey(address)).toBe(key);
});
