import { describe, expect, test } from 'bun:test';
import { isOwnListener } from '../../src/inbound/original_destination.ts';
import { parseAddress } from '../../src/net/address.ts';

function own(host: string, port = 1111): boolean {
  return isOwnListener({ address: parseAddress(host)!, port }, 1111);
}

describe('isOwnListener', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.0',
    '127.255.255.255',
    '0.0.0.0',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:0.0.0.0',
  ])('%s with our port is ours', (host) => {
    expect(own(host)).toBe(true);
    expect(own(host, 1112)).toBe(false);
  });

  test.each([
    '126.255.255.255',
    '128.0.0.0',
    '0.0.0.1',
    '203.0.113.7',
    '::2',
    '::1:1',
    '1::1',
    '1::',
    '::127.0.0.1',
    '::ffff:126.0.0.1',
    'fe80::1',
  ])('%s is not', (host) => {
    expect(own(host)).toBe(false);
  });
});
