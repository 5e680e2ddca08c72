import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { parseScutilDns } from '../../src/dns/scutil_dns.ts';
import { formatAddress } from '../../src/net/address.ts';
import { SCUTIL } from './scutil_outputs.ts';

/** As short as can be. */
const short = (text: string): Record<string, unknown>[] =>
  parseScutilDns(text).map(({ domain = '*', nameservers, port, order, isReachable, ...rest }) => ({
    [domain]: nameservers.map(formatAddress).join(' '),
    ...(port === 53 ? {} : { port }),
    ...(order === 0 ? {} : { order }),
    ...(isReachable ? {} : { isReachable }),
    ...(rest.isSpecial ? { isSpecial: true } : {}),
    ...(rest.interface === undefined ? {} : { via: rest.interface }),
  }));

const MDNS = { local: '', order: 300_000, isReachable: false, isSpecial: true };

describe('parseScutilDns', () => {
  test('a home network, with IPv6', () => {
    const resolvers =
      '192.168.10.1 fde2:c0d2:6cb1:0:62b5:8dff:fecc:bddf 2a02:8109:b59e:7800:62b5:8dff:fecc:bddf';
    expect(short(SCUTIL.fritzBox)).toEqual([{ '*': resolvers, via: 'en0' }, MDNS]);
  });

  test('link-local addresses with their zones', () => {
    expect(short(SCUTIL.linkLocal)).toEqual([
      { '*': 'fe80::8e3b:adff:fead:7bf6%en0 192.168.1.1', via: 'en0' },
    ]);
  });

  test('a VPN that takes all names', () => {
    expect(short(SCUTIL.vpnForAll)).toEqual([
      { '*': '100.100.111.1 fd00:2021:1111:8000:100:100:111:0', order: 103_200, via: 'utun8' },
      { '*': '2600:1700:3ecb:2410::1 192.168.1.254', order: 200_000, via: 'en0' },
      MDNS,
    ]);
  });

  test('domains of /etc/resolver', () => {
    expect(short(SCUTIL.tailscale)).toEqual([
      { '*': '192.168.100.101 192.168.100.102', via: 'en0' },
      MDNS,
      { 'tail3b1a8.ts.net': '100.100.100.100' },
      { '64.100.in-addr.arpa': '100.100.100.100' },
      { 'search.tailscale': '', isReachable: false },
    ]);
  });

  test('nobody, on a network that is not there', () => {
    expect(short(SCUTIL.offline)).toEqual([{ '*': '', isReachable: false }, MDNS]);
  });

  test('ports', () => {
    const resolver = (port: string) => `resolver #1\n  nameserver[0] : 127.0.0.1\n  port     : ${port}\n`;
    expect(short(resolver('5300'))).toEqual([{ '*': '127.0.0.1', port: 5300 }]);
    // Printed as a signed number before macOS 11.
    expect(short(resolver('-25536'))).toEqual([{ '*': '' }]);
  });

  test.each([
    ['the root is no domain', 'domain   : .', [{ '*': '192.0.2.1' }]],
    ['capitals and a dot at the end', 'domain   : Corp.Example.', [{ 'corp.example': '192.0.2.1' }]],
    ['a domain that is none is not all of them', 'domain   : a b', [{ '*': '' }]],
    ['Back to My Mac', 'options  : pdns', [{ '*': '192.0.2.1', isSpecial: true }]],
    ['multicast by its port', 'port     : 5353', [{ '*': '192.0.2.1', port: 5353, isSpecial: true }]],
    ['other options', 'options  : ndots:1', [{ '*': '192.0.2.1' }]],
    ['an interface that is gone', 'if_index : 9 (?)', [{ '*': '192.0.2.1' }]],
    ['an order that is none', 'order    : -1', [{ '*': '192.0.2.1' }]],
    ['the form before macOS 10.13', 'reach    : Not Reachable', [{ '*': '192.0.2.1', isReachable: false }]],
  ])('%s', (_, line, expected) => {
    expect(short(`resolver #1\n  ${line}\n  nameserver[0] : 192.0.2.1\n`)).toEqual(expected);
  });

  test('a zone from the interface, and only for link-local addresses', () => {
    const text =
      'resolver #1\n  nameserver[0] : fe80::1\n  nameserver[1] : 2001:db8::1%en1\n  if_index : 4 (en0)\n';
    expect(short(text)).toEqual([{ '*': 'fe80::1%en0 2001:db8::1', via: 'en0' }]);
  });

  test('what a value pretends', () => {
    const text =
      'resolver #1\n  search domain[0] : x\n    nameserver[0] : 192.0.2.9\n  nameserver[0] : 192.0.2.1\n';
    expect(short(text)).toEqual([{ '*': '192.0.2.1' }]);
  });

  const DIVERTED = '  domain   : example.com\n  nameserver[0] : 192.0.2.9\n';
  test.each([
    ['a resolver of its own', `x\n\nresolver #2\n${DIVERTED}`],
    [
      'a resolver of its own at the end of the section',
      `x\nresolver #2\n${DIVERTED}DNS configuration (for scoped queries)`,
    ],
    ['a section of its own', `x\nDNS configuration\nresolver #1\n${DIVERTED}`],
    ['a domain for the resolver that it is of', `x\n${DIVERTED}`],
  ])('nobody of a listing in which a value has lines: %s', (_, value) => {
    const listing = SCUTIL.fritzBox.replace('fritz.box', () => value);
    expect(parseScutilDns(SCUTIL.fritzBox)).not.toEqual([]);
    expect(parseScutilDns(listing)).toEqual([]);
  });

  test('nothing of what is no such listing', () => {
    expect(parseScutilDns('')).toEqual([]);
    expect(parseScutilDns('No DNS configuration available\n')).toEqual([]);
    expect(parseScutilDns('  nameserver[0] : 192.0.2.1\n')).toEqual([]);
  });

  test('whatever is printed', () => {
    const words = fc.constantFrom(
      'resolver #1\n',
      '  domain   : ',
      '  nameserver[0] : ',
      '  order    : ',
      'DNS configuration (for scoped queries)\n',
      '\n',
    );
    const anything = fc.array(fc.oneof(words, fc.string({ unit: 'binary' })));
    fc.assert(
      fc.property(anything, (parts) => {
        const resolvers = parseScutilDns(parts.join(''));
        for (const { domain, order, port } of resolvers) {
          expect(domain ?? 'x').toMatch(/^[a-z0-9_.-]+$/);
          expect(order).toBeGreaterThanOrEqual(0);
          expect(port).toBeWithin(1, 65_536);
        }
        // It is found whatever stands before it, but a listing that contradicts itself.
        const before = parts.join('').replaceAll(/DNS conf|resolver|domain/g, '');
        const after = parseScutilDns(`${before}\nresolver #7\n  nameserver[3] : 192.0.2.1\n`);
        expect(after.at(-1)!.nameservers.map(formatAddress)).toEqual(['192.0.2.1']);
      }),
    );
  });
});
