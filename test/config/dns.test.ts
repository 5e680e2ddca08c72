/** The resolver's part of the file: its defaults, its paths, and what is said of each mistake. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { ConfigError } from '../../src/config/error.ts';
import { parsePattern, parseSuffix } from '../../src/config/domain_pattern.ts';
import { Fault } from '../../src/config/leaf.ts';
import { loadText } from '../../src/config/load.ts';
import { effective } from '../../src/config/redact.ts';
import { formatSize, parseSize } from '../../src/config/size.ts';
import { parseAddress } from '../../src/net/address.ts';

const LINK = 'ss://YWVzLTEyOC1nY206dGVzdA@192.0.2.1:8888';
const RESOLVER = 'a resolver such as "223.5.5.5" or "tls://1.1.1.1#cloudflare-dns.com"';
const TRUSTED = 'a resolver such as "tcp://8.8.8.8" or "tls://1.1.1.1#cloudflare-dns.com"';
const PATTERN = 'a name such as "www.example.com" or "*.example.com"';
const PORT = 'a port, 1 to 65535 but 53 and 5353';

const load = (dns: unknown, folder?: string) =>
  loadText({ name: 'f', text: JSON.stringify({ upstream: LINK, dns }), ...(folder && { folder }) }).config;

function messageOf(dns: unknown): string {
  try {
    load(dns);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(/^f:1:\d+: /gm, '');
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('dns', () => {
  test('is on without a word of it, with resolvers of both sides', () => {
    expect(load(undefined)).toEqual(load({}));
    expect(effective(load({}))['dns']).toMatchObject({
      port: 1053,
      china: ['223.5.5.5', '119.29.29.29'],
      trusted: ['tcp://8.8.8.8', 'tcp://1.1.1.1'],
      unknown: 'race',
      'block-answer': 'nxdomain',
      'mix-case': false,
      'upstream-ipv6': true,
      cache: { size: '32MiB', 'min-ttl': '0ms', 'max-ttl': '24h', stale: '24h', directory: '/var/lib/snet' },
    });
  });

  test('can be turned off', () => {
    expect(load(false).dns).toBeUndefined();
    expect(effective(load(false))['dns']).toBe(false);
  });

  test('has paths that begin at the folder of the file', () => {
    const given = {
      china: [{ url: 'tls://192.0.2.1', ca: 'ca.pem' }],
      lists: { china: ['china.txt', '/lists/china.txt'], block: ['https://example.com/block.txt'] },
      cache: { directory: 'state' },
      log: 'queries.log',
    };
    expect(load(given, '/etc/snet').dns).toMatchObject({
      china: [{ transport: 'tls', ca: '/etc/snet/ca.pem' }],
      lists: { china: ['/etc/snet/china.txt', '/lists/china.txt'], block: ['https://example.com/block.txt'] },
      cache: { directory: '/etc/snet/state' },
      log: '/etc/snet/queries.log',
    });
    expect(load({ log: 'stderr' }, '/etc/snet').dns?.log).toBe('stderr');
  });

  test('has hosts with an address or several, of either family', () => {
    const { hosts } = load({
      hosts: { 'NAS.example': '192.0.2.9', '*.dev.example': ['192.0.2.1', '2001:db8::1'] },
    }).dns!;
    expect([...hosts]).toEqual([
      ['nas.example', [parseAddress('192.0.2.9')!]],
      ['*.dev.example', [parseAddress('192.0.2.1')!, parseAddress('2001:db8::1')!]],
    ]);
  });

  test('has types by name or number, and durations in seconds', () => {
    const { refuseTypes, cache } = load({
      'refuse-types': { china: ['aaaa', 'TYPE65'] },
      cache: { 'min-ttl': '1m', 'max-ttl': '1h' },
    }).dns!;
    expect(refuseTypes).toEqual({ china: [28, 65], foreign: [], unknown: [] });
    expect(cache).toMatchObject({ minTtl: 60, maxTtl: 3600 });
  });

  test.each<[unknown, string]>([
    [true, 'dns: found true, expected false or an object { … }'],
    [{ prt: 1 }, 'dns.prt: found an unknown key, expected one of port, china, trusted, unknown, lists, names, local, hosts, block, block-answer, refuse-types, strip, mix-case, upstream-ipv6, cache, log\n  hint: did you mean port?'],
    [{ port: 53 }, `dns.port: found 53, expected ${PORT}\n  hint: port 53 is that of other DNS servers of this machine`],
    [{ port: 5353 }, `dns.port: found 5353, expected ${PORT}\n  hint: port 5353 is that of other DNS servers of this machine`],
    [{ port: 65536 }, `dns.port: found 65536, expected ${PORT}`],
    [{ port: '1053' }, `dns.port: found "1053", expected ${PORT}\n  hint: write the number without quotes`],
    [{ port: 1111 }, 'dns.port: found 1111, expected another port than listen.port\n  hint: connections and DNS over TCP are taken apart by their port'],
    [{ china: ['dns.example'] }, `dns.china[0]: found "dns.example", expected ${RESOLVER}\n  hint: write the address of dns.example: no name can be resolved before`],
    [{ china: [] }, `dns.china: found a list, expected a list with at least one, each ${RESOLVER}`],
    [{ china: ['223.5.5.5', 5] }, `dns.china[1]: found 5, expected ${RESOLVER} or an object { … }`],
    [{ china: [{ url: '192.0.2.1' }] }, 'dns.china[0].ca: found nothing, expected a path'],
    [{ trusted: ['8.8.8.8'] }, `dns.trusted[0]: found "8.8.8.8", expected ${TRUSTED}\n  hint: the upstream carries no UDP: write "tcp://8.8.8.8"`],
    [{ unknown: 'rase' }, 'dns.unknown: found "rase", expected one of "race", "trusted-only"\n  hint: did you mean race?'],
    [{ lists: { china: [''] } }, 'dns.lists.china[0]: found "", expected a path, or an https:// URL'],
    [{ lists: { block: ['http://example.com'] } }, 'dns.lists.block[0]: found a http:// link, expected a path, or an https:// URL\n  hint: over http:// anybody on the way could change it'],
    [{ hosts: { 'a.example': '192.0.2' } }, 'dns.hosts.a.example: found "192.0.2", expected an IPv4 or IPv6 address'],
    [{ hosts: { 'a.example': ['192.0.2.1', 'x'] } }, 'dns.hosts.a.example[1]: found "x", expected an IPv4 or IPv6 address'],
    [{ hosts: { 'a.example': [] } }, 'dns.hosts.a.example: found a list, expected an IP address, or a list of some'],
    [{ hosts: { 'a.*.example': '192.0.2.1' } }, `dns.hosts.a.*.example: found "a.*.example", expected ${PATTERN}\n  hint: a * can only stand in front, for whole labels: *.example.com`],
    [{ hosts: ['a.example'] }, 'dns.hosts: found a list, expected an object of names, or patterns such as "*.example.com", and their addresses'],
    [{ block: ['*ads.example'] }, `dns.block[0]: found "*ads.example", expected ${PATTERN}\n  hint: a * can only stand in front, for whole labels: *.example.com`],
    [{ block: ['192.0.2.1'] }, `dns.block[0]: found "192.0.2.1", expected ${PATTERN}\n  hint: an address is no name`],
    [{ names: { foreign: ['müsli.example'] } }, `dns.names.foreign[0]: found "müsli.example", expected ${PATTERN}\n  hint: write an international name in its ASCII form, xn--…`],
    [{ local: ['https://corp.example'] }, 'dns.local[0]: found a link, expected a name such as "corp.example.com"\n  hint: write the name alone'],
    [{ 'refuse-types': { china: ['AAAAA'] } }, 'dns.refuse-types.china[0]: found "AAAAA", expected a type of records such as "AAAA", "HTTPS" or "TYPE65"'],
    [{ strip: ['h2'] }, 'dns.strip[0]: found "h2", expected one of "ech", "h3"\n  hint: did you mean h3?'],
    [{ 'mix-case': 'yes' }, 'dns.mix-case: found "yes", expected true or false'],
    [{ cache: { size: '32' } }, 'dns.cache.size: found "32", expected a size such as "512KiB", "32MiB" or "0"\n  hint: say the unit: "32MiB"'],
    [{ cache: { size: '2GiB' } }, 'dns.cache.size: found "2GiB", expected a size such as "512KiB", "32MiB" or "0", at most "1GiB"'],
    [{ cache: { 'min-ttl': '1500ms' } }, 'dns.cache.min-ttl: found "1500ms", expected a duration of whole seconds'],
    [{ cache: { 'min-ttl': '2h', 'max-ttl': '1h' } }, 'dns.cache.min-ttl: found "2h", expected at most dns.cache.max-ttl, "1h"'],
    [{ cache: { directory: true } }, 'dns.cache.directory: found true, expected false or a path'],
  ])('%j is refused', (dns, message) => {
    expect(messageOf(dns)).toBe(message);
  }); // prettier-ignore
});

describe('a pattern of names', () => {
  test.each([
    ['example.com', 'example.com'],
    ['WWW.Example.COM.', 'www.example.com'],
    ['*.example.com', '*.example.com'],
    ['_dmarc.example', '_dmarc.example'],
    ['localhost', 'localhost'],
  ])('may be %s', (text, pattern) => expect(parsePattern(text)).toBe(pattern));

  test.each([
    '',
    '.',
    '*',
    '*.',
    '**.example',
    'a..example',
    '.example',
    'a b',
    '1.2',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
  ])('is not %j', (text) => expect(parsePattern(text)).toBeInstanceOf(Fault));

  test.each(['corp.example', '.corp.example', '*.corp.example', 'Corp.Example.'])('%s is a suffix', (text) =>
    expect(parseSuffix(text)).toBe('corp.example'),
  );
});

test('sizes are read as they are written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 20 }), (kibibytes) => {
      expect(parseSize(formatSize(kibibytes * 1024), 2 ** 30)).toBe(kibibytes * 1024);
    }),
  );
});
