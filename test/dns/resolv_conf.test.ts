import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseResolvConf } from '../../src/dns/resolv_conf.ts';
import { formatAddress } from '../../src/net/address.ts';

const texts = (text: string) => parseResolvConf(text).map(formatAddress);

describe('parseResolvConf', () => {
  test.each([
    ['nothing', '', []],
    ['one', 'nameserver 192.0.2.1\n', ['192.0.2.1']],
    ['no newline at the end', 'nameserver 192.0.2.1', ['192.0.2.1']],
    ['both families, tabs', 'nameserver\t2001:db8::1\nnameserver  192.0.2.1', ['2001:db8::1', '192.0.2.1']],
    ['a zone', 'nameserver fe80::1%eth0', ['fe80::1%eth0']],
    ['one address in two zones', 'nameserver fe80::1%a\nnameserver fe80::1%b', ['fe80::1%a', 'fe80::1%b']],
    ['a zone that is of no use', 'nameserver 2001:db8::1%eth0', ['2001:db8::1']],
    [
      'other lines',
      'search lan\noptions edns0 trust-ad\nsortlist 10.0.0.0\nnameserver 192.0.2.1',
      ['192.0.2.1'],
    ],
    [
      'comments',
      '# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nnameserver 192.0.2.1 # mine',
      ['192.0.2.1'],
    ],
    ['CRLF', 'nameserver 192.0.2.1\r\nnameserver 192.0.2.2\r\n', ['192.0.2.1', '192.0.2.2']],
    ['twice the same', 'nameserver 192.0.2.1\nnameserver 192.0.2.1', ['192.0.2.1']],
    ['no address', 'nameserver dns.example\nnameserver 1.2.3\nnameserver', []],
    ['not at the start of the line', ' nameserver 192.0.2.1', []],
    ['a longer word', 'nameservers 192.0.2.1', []],
  ])('%s', (_, text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  test('whatever is in the file', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (before, address) => {
        parseResolvConf(`${before}\nnameserver ${address}`);
        expect(texts(`${before}\nnameserver 192.0.2.1\n`)).toContain('192.0.2.1');
      }),
    );
  });
});
