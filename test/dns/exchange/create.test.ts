import { expect, test } from 'bun:test';
import { Secret } from '../../../src/base/secret.ts';
import type { ResolverConfig } from '../../../src/config/dns_config.ts';
import { createExchange, labelOf } from '../../../src/dns/exchange/create.ts';
import { resolverConfig } from '../../config/resolver_config.ts';

test.each<[ResolverConfig, string]>([
  [resolverConfig('udp', '223.5.5.5', 53), 'udp://223.5.5.5'],
  [resolverConfig('udp', '2400:3200::1', 53), 'udp://[2400:3200::1]'],
  [resolverConfig('tcp', '2400:3200::1', 5300), 'tcp://[2400:3200::1]:5300'],
  [resolverConfig('tls', '1.1.1.1', 853), 'tls://1.1.1.1'],
  [resolverConfig('tls', '1.1.1.1', 8853, { host: 'one.test' }), 'tls://1.1.1.1:8853 (one.test)'],
  [
    resolverConfig('https', '8.8.8.8', 443, { host: 'dns.google', path: '/dns-query' }),
    'https://8.8.8.8/dns-query (dns.google)',
  ],
  [
    resolverConfig('https', '8.8.4.4', 443, { host: 'dns.google', path: '/dns-query' }),
    'https://8.8.4.4/dns-query (dns.google)',
  ],
  [
    resolverConfig('https', '8.8.4.4', 8443, { host: 'dns.google' }),
    'https://8.8.4.4:8443/dns-query (dns.google)',
  ],
  [resolverConfig('https', '2001:db8::1', 8443, { path: '/q' }), 'https://[2001:db8::1]:8443/q'],
  [
    resolverConfig('https', '192.0.2.1', 443, { path: '/q', authorization: new Secret('me:hidden') }),
    'https://192.0.2.1/q',
  ],
])('%# is called as people know it', (resolver, label) => {
  expect(labelOf(resolver)).toBe(label);
  const open = () => {
    throw new Error('nothing is connected before something is asked');
  };
  const exchange = createExchange(resolver, { open, mixCase: false });
  expect(exchange.label).toBe(label);
  exchange.close();
});

test.each(['/nowhere/ca.pem', import.meta.path])('an authority that can’t be read is said so: %s', (ca) => {
  const open = () => {
    throw new Error('never');
  };
  const resolver = resolverConfig('tls', '1.1.1.1', 853, { ca });
  expect(() => createExchange(resolver, { open, mixCase: false })).toThrow(
    expect.objectContaining({ status: 'ERR_DNS_TLS', message: expect.stringContaining(ca) }),
  );
});
