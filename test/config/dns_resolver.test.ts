import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatResolver, parseResolver, parseTrustedResolver } from '../../src/config/dns_resolver.ts';
import type { ResolverConfig } from '../../src/config/dns_config.ts';
import { Fault } from '../../src/config/leaf.ts';
import { address as anyAddress } from '../net/arbitrary.ts';
import { resolverConfig } from './resolver_config.ts';

describe('a resolver', () => {
  test.each<[string, ResolverConfig]>([
    ['223.5.5.5', resolverConfig('udp', '223.5.5.5', 53)],
    ['udp://223.5.5.5', resolverConfig('udp', '223.5.5.5', 53)],
    ['223.5.5.5:5353', resolverConfig('udp', '223.5.5.5', 5353)],
    ['2400:3200::1', resolverConfig('udp', '2400:3200::1', 53)],
    ['[2400:3200::1]', resolverConfig('udp', '2400:3200::1', 53)],
    ['[2400:3200::1]:5353', resolverConfig('udp', '2400:3200::1', 5353)],
    ['tcp://8.8.8.8', resolverConfig('tcp', '8.8.8.8', 53)],
    ['TCP://8.8.8.8:54', resolverConfig('tcp', '8.8.8.8', 54)],
    ['tls://1.1.1.1', resolverConfig('tls', '1.1.1.1', 853)],
    ['tls://1.1.1.1#cloudflare-dns.com', resolverConfig('tls', '1.1.1.1', 853, { host: 'cloudflare-dns.com' })],
    ['https://1.1.1.1', resolverConfig('https', '1.1.1.1', 443)],
    ['https://[2606:4700::1111]:8443/q?a=b#one.example', resolverConfig('https', '2606:4700::1111', 8443, { path: '/q?a=b', host: 'one.example' })],
  ])('%s is one', (text, expected) => {
    expect(parseResolver(text)).toEqual(expected);
  }); // prettier-ignore

  test('may be given a user and a password over HTTPS', () => {
    const found = parseResolver('https://user:p%40ss@192.0.2.1/q') as ResolverConfig;
    expect(found.authorization?.reveal()).toBe('user:p@ss');
    expect(formatResolver(found)).toBe('https://192.0.2.1/q');
  });

  test.each([
    ['', undefined],
    ['223.5.5', undefined],
    ['dns.example', 'write the address of dns.example: no name can be resolved before'],
    ['tls://dns.example', 'write the address, and the name behind a #: tls://ADDRESS#dns.example'],
    [
      'https://dns.example:8443/q',
      'write the address, and the name behind a #: https://ADDRESS/q#dns.example',
    ],
    ['223.5.5.5:0', undefined],
    ['223.5.5.5:65536', undefined],
    ['223.5.5.5:', undefined],
    ['[223.5.5.5]:53', 'in brackets stands an IPv6 address only'],
    ['[2400:3200::1', undefined],
    ['tcp://8.8.8.8/x', 'tcp:// has no path'],
    ['tcp://8.8.8.8#dns.google', 'a name behind # is one in a certificate: for tls:// and https:// only'],
    ['tls://1.1.1.1#a b', 'behind # stands the name in its certificate'],
    ['tls://user:hunter2@1.1.1.1', 'only https:// can carry a user and a password'],
    ['https://user:%zz-hunter2@1.1.1.1', 'a "%" that belongs to the password is written %25'],
    ['quic://1.1.1.1', 'known are udp://, tcp://, tls://, https://'],
  ])('%p is none', (text, hint) => {
    const fault = parseResolver(text);
    if (!(fault instanceof Fault)) throw new Error('it was taken for one');
    expect(fault.hint).toBe(hint);
    expect(JSON.stringify(fault)).not.toContain('hunter2');
  });

  test('on the trusted side is reached over TCP', () => {
    expect(parseTrustedResolver('tcp://8.8.8.8')).toEqual(resolverConfig('tcp', '8.8.8.8', 53));
    for (const [text, instead] of [
      ['8.8.8.8', 'tcp://8.8.8.8'],
      ['udp://8.8.8.8:54', 'tcp://8.8.8.8:54'],
      ['2001:4860::8888', 'tcp://[2001:4860::8888]'],
    ]) {
      const fault = parseTrustedResolver(text!) as Fault;
      expect(fault.hint).toBe(`the upstream carries no UDP: write "${instead}"`);
    }
  });

  test('is read as it is written', () => {
    const named = fc.record({
      transport: fc.constantFrom('tls' as const, 'https' as const),
      host: fc.constantFrom(undefined, 'one.example'),
    });
    const plain = fc.record({
      transport: fc.constantFrom('udp' as const, 'tcp' as const),
      host: fc.constant(undefined),
    });
    const path = fc.constantFrom(undefined, '/', '/dns-query', '/a/b?c=d');
    fc.assert(
      fc.property(
        fc.oneof(named, plain),
        anyAddress,
        fc.integer({ min: 1, max: 65535 }),
        path,
        (kind, address, port, at) => {
          const config = {
            ...kind,
            address,
            port,
            path: kind.transport === 'https' ? at : undefined,
            ca: undefined,
            authorization: undefined,
          };
          expect(parseResolver(formatResolver(config))).toEqual(config);
        },
      ),
    );
  });

  test('whatever the text, is one or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const prefix of ['', 'tls://', 'https://1.1.1.1']) parseResolver(prefix + text);
      }),
    );
  });
});
