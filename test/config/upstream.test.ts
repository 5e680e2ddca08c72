import { describe, expect, test } from 'bun:test';
import { ConfigError } from '../../src/config/error.ts';
import { loadText } from '../../src/config/load.ts';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { revealed } from './upstreams.ts';

const load = (upstream: unknown, more: object = {}) =>
  loadText({ name: 'f', text: JSON.stringify({ upstream, ...more }), folder: '/etc/snet' });

const PIN = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const KEY16 = 'MTIzNDU2Nzg5MDEyMzQ1Ng==';
const AT = { server: 'h.example', port: 1 };
const SS = { type: 'shadowsocks', ...AT, method: 'aes-128-gcm', password: 'p' };
const HTTP = { type: 'http', ...AT };
const SOCKS5 = { type: 'socks5', ...AT };
const TUNNEL = { type: 'tls', ...AT, token: 't' };
const TLS = { pins: [], insecure: false };

const ACCEPTED: readonly { name: string; upstream: unknown; is: object }[] = [
  { name: 'Shadowsocks', upstream: SS, is: { ...SS, names: false } },
  { name: 'Shadowsocks of 2022', upstream: { ...SS, method: '2022-blake3-aes-128-gcm', password: `${KEY16}:${KEY16}` }, is: { ...SS, method: '2022-blake3-aes-128-gcm', password: `${KEY16}:${KEY16}`, names: false } },
  { name: 'a raw key', upstream: { ...SS, password: KEY16, 'raw-key': true }, is: { ...SS, password: KEY16.replaceAll('=', ''), rawKey: true, names: false } },
  { name: 'a plugin', upstream: { ...SS, plugin: { program: 'obfs-local', options: 'obfs=http' } }, is: { ...SS, plugin: { program: 'obfs-local', options: 'obfs=http' }, names: false } },
  { name: 'a plugin as a text', upstream: { ...SS, plugin: '/opt/p;obfs=http' }, is: { ...SS, plugin: { program: '/opt/p', options: 'obfs=http' }, names: false } },
  { name: 'a plugin without options', upstream: { ...SS, plugin: { program: 'p', options: '' } }, is: { ...SS, plugin: { program: 'p' }, names: false } },
  { name: 'an HTTP proxy', upstream: HTTP, is: { ...HTTP, names: true } },
  { name: 'an HTTP proxy that is told addresses', upstream: { ...HTTP, names: false, tls: false }, is: { ...HTTP, names: false } },
  { name: 'an HTTP proxy with a user', upstream: { ...HTTP, user: 'u', password: 'p' }, is: { ...HTTP, user: 'u', password: 'p', names: true } },
  { name: 'an HTTP proxy with TLS', upstream: { ...HTTP, tls: true }, is: { ...HTTP, names: true, tls: TLS } },
  { name: 'an HTTP proxy with TLS and a pin', upstream: { ...HTTP, tls: { pin: PIN, sni: 's.example' } }, is: { ...HTTP, names: true, tls: { ...TLS, pins: [PIN], sni: 's.example' } } },
  { name: 'a SOCKS5 proxy', upstream: { ...SOCKS5, tag: 'office' }, is: { ...SOCKS5, tag: 'office', names: true } },
  { name: 'a tunnel', upstream: TUNNEL, is: { ...TUNNEL, tls: TLS, names: false } },
  { name: 'a tunnel with files, from the folder of the file', upstream: { ...TUNNEL, tls: { ca: 'ca.pem', cert: 'a/c.pem', key: '/k.pem', pin: [PIN, PIN.toUpperCase()] } }, is: { ...TUNNEL, tls: { ca: '/etc/snet/ca.pem', cert: '/etc/snet/a/c.pem', key: '/k.pem', pins: [PIN, PIN], insecure: false }, names: false } },
  { name: 'a link with files, from the folder of the file', upstream: 'snet+tls://t@h.example:1?ca=ca.pem', is: { ...TUNNEL, tls: { ...TLS, ca: '/etc/snet/ca.pem' }, names: false } },
  { name: 'a chain', upstream: { ...SS, via: { ...TUNNEL, tls: { ca: 'ca.pem' }, via: 'http://u:p@h.example:1' } }, is: { ...SS, names: false, via: { ...TUNNEL, names: false, tls: { ...TLS, ca: '/etc/snet/ca.pem' }, via: { ...HTTP, user: 'u', password: 'p', names: true } } } },
]; // prettier-ignore

describe('an upstream', () => {
  test.each(ACCEPTED)('may be $name', ({ upstream, is }) => {
    const { config, warnings } = load(upstream);
    expect(revealed(config.upstreams)).toEqual([is]);
    expect(warnings).toEqual([]);
  });

  test('may be several, in order', () => {
    const list = [SS, 'http://h.example:1', { type: 'subscription', url: 'https://a.example/b' }, TUNNEL];
    const { config } = load(list);
    expect(config.upstreams.map(({ type }) => type)).toEqual(['shadowsocks', 'http', 'tls']);
    expect(revealed(config.subscriptions)).toEqual([{ url: 'https://a.example/b', refresh: 43_200_000 }]);
  });

  test('may come from a subscription alone', () => {
    const { config } = load({ type: 'subscription', url: 'https://a.example/b', refresh: '90s' });
    expect(config.upstreams).toEqual([]);
    expect(config.subscriptions).toMatchObject([{ refresh: 90_000 }]);
  });

  test('of the command line has its files in the current directory', () => {
    const overrides = [{ path: ['upstream'], value: 'https://h:1?ca=ca.pem', where: 'URL' }];
    const { config } = loadText({ name: 'f', text: '{}', folder: '/etc/snet', overrides });
    expect(config.upstreams).toMatchObject([{ tls: { ca: `${process.cwd()}/ca.pem` } }]);
  });
});

const KINDS = 'one of "shadowsocks", "http", "socks5", "tls", "subscription"';
const NEW_KEY = 'openssl rand -base64 16 makes a new one, for both ends';
const via = (depth: number): unknown => (depth === 0 ? 'socks5://h:1' : { ...HTTP, via: via(depth - 1) });

describe('an upstream is refused', () => {
  test.each([
    { upstream: { ...SS, type: 'ss' }, message: `upstream.type: found "ss", expected ${KINDS}` },
    { upstream: { ...SS, type: undefined }, message: `upstream.type: found nothing, expected ${KINDS}` },
    { upstream: { ...HTTP, via: { type: 'subscription', url: 'https://x/y' } }, message: 'upstream.via.type: found "subscription", expected one of "shadowsocks", "http", "socks5", "tls"' },
    { upstream: { ...HTTP, via: ['http://h:1'] }, message: 'upstream.via: found a list, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT or an object { … }' },
    { upstream: { ...HTTP, via: 'http://h' }, message: 'upstream.via: found no port, expected HOST:PORT after http://\n  hint: a right one: http://USER:PASSWORD@proxy.example.com:8080' },
    { upstream: { ...SS, token: 't' }, message: 'upstream.token: found an unknown key, expected one of type, server, port, via, names, tag, method, password, raw-key, plugin' },
    { upstream: { ...TUNNEL, tls: { insecur: true } }, message: 'upstream.tls.insecur: found an unknown key, expected one of sni, ca, pin, cert, key, insecure\n  hint: did you mean insecure?' },
    { upstream: { ...TUNNEL, tls: [] }, message: 'upstream.tls: found a list, expected an object { … }' },
    { upstream: { ...TUNNEL, tls: { pin: [PIN, 'aa'] } }, message: 'upstream.tls.pin[1]: found "aa", expected the SHA-256 of a certificate, 64 hexadecimal digits\n  hint: openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE prints it' },
    { upstream: { ...TUNNEL, tls: { key: 'k.pem' } }, message: 'upstream.tls: found "key" without "cert", expected both "cert" and "key", or neither' },
    { upstream: { ...TUNNEL, token: '' }, message: 'upstream.token: found an empty token, expected a token of 1 to 65535 bytes' },
    { upstream: { ...HTTP, tls: 'yes' }, message: 'upstream.tls: found "yes", expected true or false or an object { … }' },
    { upstream: { ...HTTP, password: 'p' }, message: 'upstream: found a password without a user, expected a user, too' },
    { upstream: { ...HTTP, user: 'a:b' }, message: 'upstream: found a ":" in the user, expected a user without ":"' },
    { upstream: { ...SOCKS5, user: 'u' }, message: 'upstream: found no password, expected a user and a password of 1 to 255 bytes each' },
    { upstream: { ...SOCKS5, user: 'u', password: 'p'.repeat(256) }, message: 'upstream: found a password of 256 bytes, expected a user and a password of 1 to 255 bytes each' },
    { upstream: { ...SS, plugin: { program: 'bin/p' } }, message: 'upstream.plugin.program: found "bin/p", expected a program such as "v2ray-plugin", by its name or its absolute path' },
    { upstream: { ...SS, plugin: 'p', via: 'http://h:1' }, message: 'upstream.via: found a server in between, expected none beside a plugin\n  hint: the plugin is what connects to the server, and it connects directly' },
    { upstream: { ...SS, method: '2022-blake3-aes-128-gcm', password: 'hunter2!' }, message: `upstream.password: found a text that is no base64, expected base64 of 16 bytes as its key\n  hint: it is no password; ${NEW_KEY}` },
    { upstream: { ...SS, method: '2022-blake3-aes-128-gcm', password: KEY16, 'raw-key': true }, message: 'upstream.raw-key: found true, expected false with 2022-blake3-aes-128-gcm\n  hint: with a 2022 method the password is the key, without more' },
    { upstream: { ...SS, method: 'rc4-md5', password: KEY16, 'raw-key': true }, message: 'upstream.raw-key: found true, expected false with rc4-md5' },
    { upstream: { ...SS, password: 'MTIz', 'raw-key': true }, message: `upstream.password: found base64 of 3 bytes, expected base64 of 16 bytes as the key\n  hint: ${NEW_KEY}` },
    { upstream: { type: 'subscription', url: 'ftp://h/hunter2' }, message: 'upstream.url: found a ftp:// link, expected an https:// URL' },
    { upstream: { type: 'subscription', url: 'https://u:hunter2@h.example/x' }, message: 'upstream.url: found one with a user in it, expected an https:// URL' },
    { upstream: { type: 'subscription', url: 'https://' }, message: 'upstream.url: found a malformed one, expected an https:// URL' },
    { upstream: { type: 'subscription', url: 'https://h', refresh: 5 }, message: 'upstream.refresh: found 5, expected a duration such as "20ms", "10s", "5m" or "2h"\n  hint: write "5s" for seconds' },
    { upstream: [], message: 'upstream: found an empty list, expected at least one upstream' },
    { upstream: [HTTP, []], message: 'upstream[1]: found a list, expected a share link such as ss://METHOD:PASSWORD@HOST:PORT or an object { … }' },
    { upstream: [HTTP, { ...HTTP, port: 0 }], message: 'upstream[1].port: found 0, expected a whole number, 1 to 65535' },
    { upstream: via(4), message: 'upstream.via.via.via.via: found 5 servers in a row, expected at most 4' },
  ])('with $message', ({ upstream, message }) => {
    expect(() => load(upstream)).toThrow(ConfigError);
    expect(() => load(upstream)).toThrow(new RegExp(`^f:1:\\d+: ${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
  }); // prettier-ignore

  test('with every problem of a list at once', () => {
    const list = ['ss://x', { type: 'htp' }, { ...TUNNEL, port: 'x', token: 1 }];
    try {
      load(list);
      expect.unreachable();
    } catch (error) {
      const { problems } = error as ConfigError;
      const keys = ['upstream[0]', 'upstream[1].type', 'upstream[2].port', 'upstream[2].token'];
      expect(problems.map(({ key }) => key)).toEqual(keys);
    }
  });

  test('not at four servers in a row', () => {
    expect(load(via(3)).config.upstreams).toHaveLength(1);
  });
});

describe('what is not safe', () => {
  const WHY = 'this method has no authentication: anybody on the way can change bytes unnoticed, and find out that this is Shadowsocks'; // prettier-ignore
  const UNCHECKED =
    /^f:1:\d+: upstream(?:\.via)?(?:\.tls\.insecure)?: the server's certificate is not checked: /;

  test.each([
    { upstream: { ...SS, method: 'aes-256-cfb' }, key: 'upstream.method' },
    { upstream: 'ss://aes-256-cfb:p@h:1', key: 'upstream' },
    { upstream: { ...HTTP, via: { ...SS, method: 'aes-256-cfb' } }, key: 'upstream.via.method' },
    { upstream: [HTTP, 'ss://aes-256-cfb:p@h:1'], key: 'upstream[1]' },
  ])('is refused in $key, and with leave warned of: a cipher without authentication', ({ upstream, key }) => {
    const hint = `${WHY}; set another on the server, or "allow-insecure-ciphers": true in the file`;
    const problem = { key, found: 'aes-256-cfb', expected: `one of ${SHADOWSOCKS_METHODS.join(', ')}`, hint };
    expect(() => load(upstream)).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining(problem)] }),
    );
    const { warnings } = load(upstream, { 'allow-insecure-ciphers': true });
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`^f:1:\\d+: ${key.replace(/[[\].]/g, '\\$&')}: aes-256-cfb: ${WHY}$`))]);
  }); // prettier-ignore

  test.each([
    { upstream: { ...TUNNEL, tls: { insecure: true } } },
    { upstream: 'https://h:1?insecure=1' },
    { upstream: { ...SS, via: { ...HTTP, tls: { insecure: true } } } },
  ])('is warned of: a certificate that nobody checks, in $upstream', ({ upstream }) => {
    expect(load(upstream).warnings).toEqual([expect.stringMatching(UNCHECKED)]);
  });

  test('is no certificate with a pin', () => {
    expect(load({ ...TUNNEL, tls: { insecure: true, pin: PIN } }).warnings).toEqual([]);
  });
});

describe('a group', () => {
  test.each([
    { group: {}, is: { policy: 'failover', probe: { url: 'http://www.gstatic.com/generate_204', interval: 30_000 } } },
    { group: { policy: 'sticky', 'probe-url': 'http://a.example', 'probe-interval': '5m' }, is: { policy: 'sticky', probe: { url: 'http://a.example/', interval: 300_000 } } },
    { group: { 'probe-url': false, 'probe-interval': '5m' }, is: { policy: 'failover', probe: undefined } },
  ])('may be $group', ({ group, is }) => {
    expect(load(HTTP, { group }).config.group).toEqual(is as never);
  }); // prettier-ignore

  test.each([
    { group: { policy: 'random' }, message: 'group.policy: found "random", expected one of "failover", "fastest", "round-robin", "sticky"' },
    { group: { 'probe-url': true }, message: 'group.probe-url: found true, expected false or an http:// URL' },
    { group: { 'probe-url': 'https://a.example' }, message: 'group.probe-url: found a link, expected an http:// URL, or false\n  hint: write http://: a probe is one small question, without TLS' },
    { group: { 'probe-url': 'http://u:p@a.example' }, message: 'group.probe-url: found one with a user in it, expected an http:// URL, or false' },
    { group: { 'probe-interval': '10ms' }, message: 'group.probe-interval: found "10ms", expected a duration such as "20ms", "10s", "5m" or "2h", at least "1s"' },
  ])('is refused with $message', ({ group, message }) => {
    expect(() => load(HTTP, { group })).toThrow(new RegExp(`: ${message.replace(/[()[\].|]/g, '\\$&')}$`));
  }); // prettier-ignore
});
