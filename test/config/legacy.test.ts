import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../src/config/error.ts';
import { LEGACY_KEYS } from '../../src/config/legacy_keys.ts';
import { loadText } from '../../src/config/load.ts';
import { effective } from '../../src/config/redact.ts';

const SS2 = { 'proxy-type': 'ss2', 'ss2-host': 'h.example', 'ss2-port': 8388, 'ss2-cipher-method': 'AEAD_AES_256_GCM', 'ss2-passwd': 'hunter2' }; // prettier-ignore
const SS = { 'proxy-type': 'ss', 'ss-host': '192.0.2.1', 'ss-port': 1, 'ss-cipher-method': 'aes-128-gcm', 'ss-passwd': 'hunter2' }; // prettier-ignore

const load = (file: object) => loadText({ name: 'old.json', text: JSON.stringify(file, undefined, 1) });

function messageOf(file: object): string {
  try {
    load(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** What the Go program's README shows, comments and trailing comma included. */
const README = `{
    # local
    "listen-host": "127.0.0.1",
    "listen-port": 1111,
    "proxy-type": "ss2", # or ss, http, tls, socks5
    "proxy-timeout": 30,
    "proxy-scope": "bypassCN",
    "bypass-hosts": ["a.example"],
    "http-proxy-host": "",
    "ss2-host": "h.example",
    "ss2-port": 8080,
    "ss2-cipher-method": "AEAD_CHACHA20_POLY1305",
    "ss2-key": "",
    "ss2-password": "hunter2",
    "cn-dns": "114.114.114.114",
    "fq-dns": "8.8.8.8",
    "enable-dns-cache": true,
    "enforce-ttl": 3600,
    "disable-qtypes": ["AAAA"],
    "force-fq": ["*.cloudfront.net"],
    "host-map": {},
    "mode": "local",
    "enable-stats": true,
    "stats-port": 8810,
}`;

describe('a file of the Go program', () => {
  test('is translated', () => {
    const { config, format, warnings } = loadText({ name: 'old.json', text: README });
    expect(format).toBe('go');
    expect(effective(config)).toMatchObject({
      upstream: { server: 'h.example', port: 8080, method: 'chacha20-ietf-poly1305', password: '[redacted]' },
      listen: { port: 1111 },
      scope: 'bypass-cn',
      bypass: ['a.example'],
      timeouts: { idle: '30s' },
      dns: {
        china: ['114.114.114.114'],
        trusted: ['tcp://8.8.8.8'],
        cache: { 'min-ttl': '1h', 'max-ttl': '1h' },
        'refuse-types': { china: ['AAAA'], foreign: ['AAAA'], unknown: ['AAAA'] },
        names: { foreign: ['*.cloudfront.net'] },
        hosts: {},
      },
    });
    expect(config.upstream.password.reveal()).toBe('hunter2');
    expect(warnings).toEqual([
      'old.json:23:5: enable-stats: not supported yet, ignored: snet does not serve statistics yet',
    ]);
  });

  test.each([
    { name: 'ss with an AEAD method', file: SS, method: 'aes-128-gcm' },
    { name: 'the mistyped name of the method', file: { ...SS, 'ss-cipher-method': '', 'ss-chpier-method': 'aes-192-gcm' }, method: 'aes-192-gcm' },
    { name: 'the right name before the mistyped', file: { ...SS, 'ss-chpier-method': 'aes-192-gcm' }, method: 'aes-128-gcm' },
    { name: 'ss2', file: SS2, method: 'aes-256-gcm' },
  ])('may have $name', ({ file, method }) => {
    expect(load(file).config.upstream.method).toBe(method as never);
  }); // prettier-ignore

  test('has the defaults where it says nothing or zero', () => {
    const { config } = load({ ...SS2, 'listen-port': 0, 'proxy-timeout': 0, 'proxy-scope': '' });
    expect(config).toMatchObject({ port: 1111, scope: 'bypass-cn', timeouts: { idle: 600_000 } });
  });

  test('has its names looked after as before', () => {
    const { config, warnings } = load({
      ...SS2,
      'cn-dns': '114.114.114.114',
      'fq-dns': '8.8.4.4',
      'enable-dns-cache': true,
      'dns-prefetch-enable': true,
      'enforce-ttl': 60,
      'disable-qtypes': ['aaaa', 'MX'],
      'force-fq': ['*.cloudfront.net', 'git.example', '*ads.example'],
      'host-map': { 'nas.example': '192.0.2.9' },
      'block-hosts': ['*.ads.example'],
      'block-host-file': '/etc/snet/ads',
      'dns-logging-file': '/var/log/snet.log',
    });
    expect(warnings).toEqual([]);
    const refused = ['AAAA', 'MX'];
    expect(effective(config)['dns']).toMatchObject({
      china: ['114.114.114.114'],
      trusted: ['tcp://8.8.4.4'],
      cache: { 'min-ttl': '1m', 'max-ttl': '1m', size: '32MiB' },
      'refuse-types': { china: refused, foreign: refused, unknown: refused },
      names: { china: [], foreign: ['*.cloudfront.net', 'git.example', '*.ads.example'] },
      hosts: { 'nas.example': ['192.0.2.9'] },
      block: ['*.ads.example'],
      lists: { block: ['/etc/snet/ads'] },
      log: '/var/log/snet.log',
    });
  });

  test.each([
    { name: 'two passwords', file: { ...SS2, 'ss2-password': 'hunter2' }, warning: 'old.json:7:2: ss2-password: ignored: ss2-passwd counts' },
    { name: 'a listener elsewhere', file: { ...SS2, 'listen-host': '0.0.0.0' }, warning: 'old.json:7:2: listen-host: not supported yet, ignored: snet listens on 127.0.0.1 and ::1' },
    { name: 'sources', file: { ...SS2, 'bypass-src-ips': ['10.0.0.1'] }, warning: 'old.json:7:2: bypass-src-ips: not supported yet, ignored: snet catches only connections of this machine itself yet' },
    { name: 'an interface', file: { ...SS2, 'active-eni': 'en0' }, warning: 'old.json:7:2: active-eni: not supported yet, ignored: snet does not run on macOS yet' },
    { name: 'an unknown key', file: { ...SS2, 'listen-prot': 1 }, warning: 'old.json:7:2: listen-prot: unknown key, ignored: did you mean listen-port?' },
  ])('is used with a warning of $name', ({ file, warning }) => {
    expect(load(file).warnings).toEqual([warning]);
  }); // prettier-ignore

  test.each([
    { name: 'no proxy-type', file: { 'listen-port': 1 }, message: 'old.json: proxy-type: found nothing, expected "ss" or "ss2"' },
    { name: 'an HTTP proxy', file: { 'proxy-type': 'http' }, message: 'old.json:2:2: proxy-type: found "http", expected "ss" or "ss2"\n  hint: http proxies are not supported yet' },
    { name: 'a TLS tunnel', file: { 'proxy-type': 'tls', 'tls-token': 'hunter2' }, message: 'old.json:2:2: proxy-type: found "tls", expected "ss" or "ss2"\n  hint: tls proxies are not supported yet' },
    { name: 'a SOCKS5 proxy', file: { 'proxy-type': 'socks5' }, message: 'old.json:2:2: proxy-type: found "socks5", expected "ss" or "ss2"\n  hint: socks5 proxies are not supported yet' },
    { name: 'a stream cipher', file: { ...SS, 'ss-cipher-method': 'aes-256-cfb' }, message: 'old.json:5:2: ss-cipher-method: found aes-256-cfb, expected one of aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305, xchacha20-ietf-poly1305\n  hint: this method does not protect the traffic and is not supported; set another on the server' },
    { name: 'a raw key', file: { ...SS2, 'ss2-key': 'hunter2' }, message: 'old.json:7:2: ss2-key: found a key, expected ss2-passwd\n  hint: keys are not supported yet; use the password that the server was given' },
    { name: 'the server role', file: { 'as-upstream': true }, message: 'old.json:2:2: as-upstream: found true, expected false\n  hint: snet has no server role yet' },
    { name: 'router mode', file: { ...SS2, mode: 'router' }, message: 'old.json:7:2: mode: found "router", expected "local"\n  hint: router mode is not supported yet' },
    { name: 'a scope that is none', file: { ...SS2, 'proxy-scope': 'bypasscn' }, message: 'old.json:7:2: proxy-scope: found "bypasscn", expected "bypassCN" or "global"\n  hint: did you mean bypassCN?' },
    { name: 'a timeout that is none', file: { ...SS2, 'proxy-timeout': '30' }, message: 'old.json:7:2: proxy-timeout: found "30", expected a whole number of seconds' },
    { name: 'a port in quotes', file: { ...SS2, 'ss2-port': '8388' }, message: 'old.json:4:2: ss2-port: found "8388", expected a whole number, 1 to 65535\n  hint: write the number without quotes' },
    { name: 'a resolver that is a name', file: { ...SS2, 'fq-dns': 'dns.example' }, message: 'old.json:7:2: fq-dns: found "tcp://dns.example", expected a resolver such as "tcp://8.8.8.8" or "tls://1.1.1.1#cloudflare-dns.com"\n  hint: write the address of dns.example: no name can be resolved before' },
    { name: 'a host without an address', file: { ...SS2, 'host-map': { 'a.example': '192.0.2' } }, message: 'old.json:7:2: host-map: found "192.0.2", expected an IPv4 or IPv6 address' },
    { name: 'no password', file: { ...SS2, 'ss2-passwd': '' }, message: 'old.json:6:2: ss2-passwd: found nothing, expected a text' },
  ])('is refused for $name', ({ file, message }) => {
    expect(messageOf(file)).toBe(message);
  }); // prettier-ignore

  test('tells what it cannot do and what is wrong together', () => {
    const message = messageOf({ ...SS2, mode: 'router', 'ss2-port': 0.5, 'bypass-hosts': ['10.0.0.1/8'] });
    expect(message.match(/^old\.json:\S+ \S+:/gm)).toEqual([
      'old.json:7:2: mode:',
      'old.json:4:2: ss2-port:',
      'old.json:8:2: bypass-hosts:',
    ]);
  });

  test('needs no upstream of its own if one is given elsewhere', () => {
    const overrides = [{ path: ['upstream'], value: 'ss://aes-128-gcm:x@h.example:1', where: 'URL' }];
    const text = '{"proxy-type": "socks5", "listen-port": 2}';
    const { config } = loadText({ name: 'old.json', text, overrides });
    expect(config).toMatchObject({ port: 2, upstream: { server: 'h.example' } });
  });

  test.each([...LEGACY_KEYS])('is recognised by %s, which is then no unknown key', (key) => {
    try {
      const { format, warnings } = load({ ...SS2, [key]: (SS2 as Record<string, unknown>)[key] ?? 0 });
      expect(format).toBe('go');
      expect(warnings.join()).not.toContain('unknown key');
    } catch (error) {
      // A zero where the upstream needs a value: refused, but as a key that is known.
      expect((error as ConfigError).message).not.toContain('unknown key');
    }
  });
});
