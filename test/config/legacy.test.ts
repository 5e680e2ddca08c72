import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../src/config/error.ts';
import { LEGACY_KEYS } from '../../src/config/legacy_keys.ts';
import { loadText } from '../../src/config/load.ts';
import { effective } from '../../src/config/redact.ts';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { revealed } from './upstreams.ts';

const SS2 = { 'proxy-type': 'ss2', 'ss2-host': 'h.example', 'ss2-port': 8388, 'ss2-cipher-method': 'AEAD_AES_256_GCM', 'ss2-passwd': 'hunter2' }; // prettier-ignore
const SS = { 'proxy-type': 'ss', 'ss-host': '192.0.2.1', 'ss-port': 1, 'ss-cipher-method': 'aes-128-gcm', 'ss-passwd': 'hunter2' }; // prettier-ignore

const HTTP = { 'proxy-type': 'http', 'http-proxy-host': 'h.example', 'http-proxy-port': 8080 };
const SOCKS5 = { 'proxy-type': 'socks5', 'socks5-host': '192.0.2.1', 'socks5-port': 1080 };
const TLS = { 'proxy-type': 'tls', 'tls-host': '192.0.2.1', 'tls-port': 9999, 'tls-token': 'hunter2' };
const SERVER = { 'as-upstream': true, 'upstream-type': 'tls', 'upstream-tls-server-listen': '0.0.0.0:9999', 'upstream-tls-server-crt': '/etc/snet/crt.pem', 'upstream-tls-server-key': 'a b', 'upstream-tls-server-token': 'hunter2' }; // prettier-ignore
/** 32 bytes in base64url, as Go writes it. */
const KEY = 'YctPZ6U7xPPcU-gp3u-0tx_tRizJN9K8y-uKlW2qjlI=';
const TYPES = 'one of "ss", "ss2", "http", "socks5", "tls"';
const WHY_INSECURE = 'this method has no authentication: anybody on the way can change bytes unnoticed, and find out that this is Shadowsocks'; // prettier-ignore

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
    expect(revealed(config.upstreams)).toMatchObject([{ password: 'hunter2' }]);
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
    expect(load(file).config.upstreams).toMatchObject([{ method }]);
  }); // prettier-ignore

  test.each([
    { name: 'an HTTP proxy', file: HTTP, upstream: { type: 'http', server: 'h.example', port: 8080, user: undefined, tls: undefined } },
    { name: 'an HTTP proxy with a user', file: { ...HTTP, 'http-proxy-auth-user': 'u', 'http-proxy-auth-password': 'p' }, upstream: { user: 'u', password: 'p' } },
    { name: 'an HTTP proxy with a password alone', file: { ...HTTP, 'http-proxy-auth-password': 'p' }, upstream: { user: '', password: 'p' } },
    { name: 'a SOCKS5 proxy', file: SOCKS5, upstream: { type: 'socks5', server: '192.0.2.1', port: 1080, user: undefined } },
    { name: 'a SOCKS5 proxy with a user', file: { ...SOCKS5, 'socks5-auth-user': 'u', 'socks5-auth-password': 'p' }, upstream: { user: 'u', password: 'p' } },
    { name: 'a SOCKS5 proxy with a password that was never sent', file: { ...SOCKS5, 'socks5-auth-password': 'p' }, upstream: { user: undefined, password: undefined } },
    { name: 'a key', file: { ...SS2, 'ss2-passwd': '', 'ss2-key': KEY }, upstream: { type: 'shadowsocks', method: 'aes-256-gcm', password: KEY.replace('=', ''), rawKey: true } },
  ])('may have $name', ({ file, upstream }) => {
    const { config, warnings } = load(file);
    expect(revealed(config.upstreams)).toMatchObject([upstream]);
    expect(warnings).toEqual([]);
  }); // prettier-ignore

  test('may have a tunnel, whose certificate is not checked, as before, with a warning', () => {
    const { config, warnings } = load(TLS);
    const upstream = {
      type: 'tls',
      server: '192.0.2.1',
      port: 9999,
      token: 'hunter2',
      tls: { insecure: true },
    };
    expect(revealed(config.upstreams)).toMatchObject([upstream]);
    expect(warnings).toEqual([
      expect.stringMatching(/^old\.json:2:2: proxy-type: the server's certificate is not checked: /),
    ]);
  });

  test.each([
    { file: { ...SS, 'ss-cipher-method': 'aes-256-cfb' }, key: '5:2: ss-cipher-method', method: 'aes-256-cfb' },
    { file: { ...SS, 'ss-cipher-method': '', 'ss-chpier-method': 'rc4-md5' }, key: '7:2: ss-chpier-method', method: 'rc4-md5' },
    { file: { ...SS2, 'ss2-cipher-method': 'AES-128-CTR' }, key: '5:2: ss2-cipher-method', method: 'aes-128-ctr' },
  ])('may have $method, with a warning that says why not', ({ file, key, method }) => {
    const { config, warnings } = load(file);
    expect(config).toMatchObject({ allowInsecureCiphers: true, upstreams: [{ method }] });
    expect(warnings).toEqual([`old.json:${key}: ${method}: ${WHY_INSECURE}`]);
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
    { name: 'a key and a password', file: { ...SS2, 'ss2-key': KEY }, warning: 'old.json:6:2: ss2-passwd: ignored: ss2-key counts' },
    { name: 'two passwords', file: { ...SS2, 'ss2-password': 'hunter2' }, warning: 'old.json:7:2: ss2-password: ignored: ss2-passwd counts' },
    { name: 'a listener elsewhere', file: { ...SS2, 'listen-host': '0.0.0.0' }, warning: 'old.json:7:2: listen-host: not supported yet, ignored: snet listens on 127.0.0.1 and ::1' },
    { name: 'sources', file: { ...SS2, 'bypass-src-ips': ['10.0.0.1'] }, warning: 'old.json:7:2: bypass-src-ips: not supported yet, ignored: snet catches only connections of this machine itself yet' },
    { name: 'an interface', file: { ...SS2, 'active-eni': 'en0' }, warning: 'old.json:7:2: active-eni: not supported yet, ignored: snet does not run on macOS yet' },
    { name: 'an unknown key', file: { ...SS2, 'listen-prot': 1 }, warning: 'old.json:7:2: listen-prot: unknown key, ignored: did you mean listen-port?' },
  ])('is used with a warning of $name', ({ file, warning }) => {
    expect(load(file).warnings).toEqual([warning]);
  }); // prettier-ignore

  test.each([
    { name: 'no proxy-type', file: { 'listen-port': 1 }, message: `old.json: proxy-type: found nothing, expected ${TYPES}` },
    { name: 'a proxy-type that is none', file: { 'proxy-type': 'sock5' }, message: `old.json:2:2: proxy-type: found "sock5", expected ${TYPES}\n  hint: did you mean socks5?` },
    { name: 'a cipher that nobody has', file: { ...SS, 'ss-cipher-method': 'bf-cfb' }, message: `old.json:5:2: ss-cipher-method: found bf-cfb, expected one of ${SHADOWSOCKS_METHODS.join(', ')}\n  hint: this method does not protect the traffic and is not supported; set another on the server` },
    { name: 'a key of the wrong length', file: { ...SS2, 'ss2-key': 'aHVudGVyMg==' }, message: 'old.json:7:2: ss2-key: found base64 of 7 bytes, expected base64 of 32 bytes as the key\n  hint: openssl rand -base64 32 makes a new one, for both ends' },
    { name: 'a SOCKS5 proxy without a port', file: { 'proxy-type': 'socks5', 'socks5-host': 'h' }, message: 'old.json: socks5-port: found nothing, expected a whole number, 1 to 65535' },
    { name: 'a tunnel without a token', file: { 'proxy-type': 'tls', 'tls-host': 'h', 'tls-port': 1 }, message: 'old.json: tls-token: found nothing, expected a text' },
    { name: 'the server role', file: SERVER, message: 'old.json:2:2: as-upstream: found true, expected false\n  hint: the far end is a command, snet server -c FILE, and the file says { "server": { "listeners": [{ "type": "tls", "listen": "0.0.0.0:9999", "cert": "/etc/snet/crt.pem", "key": "KEY", "token": "TOKEN" }] } }' },
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
    const text = '{"proxy-type": "ssr", "listen-port": 2}';
    const { config } = loadText({ name: 'old.json', text, overrides });
    expect(config).toMatchObject({ port: 2, upstreams: [{ server: 'h.example' }] });
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
