import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Fault } from '../../src/config/leaf.ts';
import { formatShareLink, parseShareLink } from '../../src/config/share_link.ts';
import { AEAD_METHODS, METHODS_2022, SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';
import { revealed, shadowsocks } from './upstreams.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** What a link means, the password in the open. */
function parsed(link: string) {
  const result = parseShareLink(link);
  if (result instanceof Fault) throw new Error(`found ${result.found}, expected ${result.expected}`);
  return revealed(result);
}

const TEST = {
  type: 'shadowsocks',
  server: '192.168.100.1',
  port: 8888,
  method: 'aes-128-gcm',
  password: 'test',
  names: false,
} as const;
/** Of SIP002's third example. */
const KEY = 'YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=';

const ACCEPTED: readonly { name: string; link: string; is: object }[] = [
  { name: "SIP002's first example", link: 'ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1', is: { ...TEST, tag: 'Example1' } },
  { name: "SIP002's second example", link: 'ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/?plugin=obfs-local%3Bobfs%3Dhttp#Example2', is: { ...TEST, method: 'rc4-md5', password: 'passwd', plugin: { program: 'obfs-local', options: 'obfs=http' }, tag: 'Example2' } },
  { name: "SIP002's third example", link: 'ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888#Example3', is: { ...TEST, method: '2022-blake3-aes-256-gcm', password: KEY, tag: 'Example3' } },
  { name: "SIP002's fourth example", link: 'ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D@192.168.100.1:8888/?plugin=v2ray-plugin%3Bserver#Example3', is: { ...TEST, method: '2022-blake3-aes-256-gcm', password: KEY, plugin: { program: 'v2ray-plugin', options: 'server' }, tag: 'Example3' } },
  { name: 'padding', link: `ss://${base64('aes-128-gcm:test')}@192.168.100.1:8888`, is: TEST },
  { name: 'escaped padding', link: 'ss://YWVzLTEyOC1nY206dGVzdA%3D%3D@192.168.100.1:8888/', is: TEST },
  { name: 'the standard alphabet', link: `ss://${base64('aes-128-gcm:??>>ÿÿ')}@192.168.100.1:8888`, is: { ...TEST, password: '??>>ÿÿ' } },
  { name: 'plain userinfo', link: 'ss://aes-128-gcm:p%40ss%3A%2F%25@192.168.100.1:8888', is: { ...TEST, password: 'p@ss:/%' } },
  { name: 'plain userinfo, unescaped @ : and /', link: 'ss://aes-128-gcm:p@s:s/w@192.168.100.1:8888', is: { ...TEST, password: 'p@s:s/w' } },
  { name: 'an escaped colon', link: 'ss://aes-128-gcm%3Atest@192.168.100.1:8888', is: TEST },
  { name: 'an unknown query', link: 'ss://aes-128-gcm:test@192.168.100.1:8888/?a=b@c&plugin=', is: TEST },
  { name: 'a query without a path', link: 'ss://aes-128-gcm:test@192.168.100.1:8888?plugin=obfs-local', is: { ...TEST, plugin: { program: 'obfs-local' } } },
  { name: 'escapes in a plugin', link: `ss://aes-128-gcm:test@192.168.100.1:8888/?plugin=${encodeURIComponent('/a\\;b;path=/x\\;y\\=z')}`, is: { ...TEST, plugin: { program: '/a;b', options: 'path=/x\\;y\\=z' } } },
  { name: 'a plus in a plugin', link: 'ss://aes-128-gcm:test@192.168.100.1:8888/?plugin=obfs-local;a+b', is: { ...TEST, plugin: { program: 'obfs-local', options: 'a+b' } } },
  { name: 'an IPv6 address', link: 'ss://aes-128-gcm:test@[2001:DB8::1]:8888#a%20b', is: { ...TEST, server: '2001:db8::1', tag: 'a b' } },
  { name: 'a malformed tag', link: 'ss://aes-128-gcm:test@a.example:8888#100%', is: { ...TEST, server: 'a.example', tag: '100%' } },
  { name: 'the old form', link: `ss://${base64('aes-128-gcm:a:b@c/d@192.168.100.1:8888')}#old`, is: { ...TEST, password: 'a:b@c/d', tag: 'old' } },
  { name: 'the old form without padding', link: `ss://${base64url('aes-128-gcm:test@192.168.100.1:8888')}`, is: TEST },
  { name: 'a 2022 key in base64 once more', link: `ss://${base64(`2022-blake3-aes-256-gcm:${KEY}`)}@192.168.100.1:8888`, is: { ...TEST, method: '2022-blake3-aes-256-gcm', password: KEY } },
  { name: 'several 2022 keys', link: `ss://2022-blake3-aes-256-gcm:${KEY}:${KEY}@192.168.100.1:8888`, is: { ...TEST, method: '2022-blake3-aes-256-gcm', password: `${KEY}:${KEY}` } },
  { name: "go-shadowsocks2's method names", link: 'SS://AEAD_AES_128_GCM:test@192.168.100.1:8888', is: TEST },
]; // prettier-ignore

const EXAMPLE = 'a right one: ss://aes-256-gcm:PASSWORD@proxy.example.com:8388#home';
const METHODS = `one of ${SHADOWSOCKS_METHODS.join(', ')} as its method`;
const USERINFO = 'METHOD:PASSWORD before the @, percent-encoded or as base64url';
const KEY_HINT = 'openssl rand -base64 16 makes a new one, for both ends';

const REFUSED: readonly { name: string; link: string; found: string; expected: string; hint: string }[] = [
  { name: 'nothing but a password', link: 'ss://hunter2', found: 'a link without @HOST:PORT', expected: 'a share link ss://METHOD:PASSWORD@HOST:PORT', hint: EXAMPLE },
  { name: 'no password', link: 'ss://aes-128-gcm:@h:80', found: 'an empty password', expected: 'a password after METHOD:', hint: EXAMPLE },
  { name: 'no colon', link: `ss://${base64url('aes-128-gcm hunter2')}@h:80`, found: 'base64 without a ":" in it before the @', expected: USERINFO, hint: EXAMPLE },
  { name: 'neither form', link: 'ss://hunter2!@h:80', found: 'neither before the @', expected: USERINFO, hint: EXAMPLE },
  { name: 'a bad escape', link: 'ss://aes-128-gcm:100%hunter2@h:80', found: 'a malformed % escape before the @', expected: USERINFO, hint: 'a "%" that belongs to the password is written %25' },
  { name: 'the old form with something else inside', link: `ss://${base64('hunter2 and more')}`, found: 'something else', expected: 'METHOD:PASSWORD@HOST:PORT inside the base64', hint: EXAMPLE },
  { name: 'a plugin that has no name', link: 'ss://aes-128-gcm:hunter2@h:80/?plugin=%3Bobfs%3Dhunter2', found: 'something else there', expected: 'a program such as "v2ray-plugin", by its name or its absolute path as its plugin', hint: EXAMPLE },
  { name: 'a plugin in the current directory', link: 'ss://aes-128-gcm:hunter2@h:80/?plugin=.%2Fhunter2', found: 'something else there', expected: 'a program such as "v2ray-plugin", by its name or its absolute path as its plugin', hint: EXAMPLE },
  { name: 'a mistyped method', link: 'ss://aes-256-gmc:hunter2@h:80', found: '"aes-256-gmc"', expected: METHODS, hint: 'did you mean aes-256-gcm?' },
  { name: 'method and password swapped', link: 'ss://hunter2:aes-256-gcm@h:80', found: 'an unknown name', expected: METHODS, hint: EXAMPLE },
  { name: 'a cipher that nobody should use', link: 'ss://aes-256-ofb:hunter2@h:80', found: 'aes-256-ofb', expected: METHODS, hint: 'this method does not protect the traffic and is not supported; set another on the server' },
  { name: 'a password for a 2022 method', link: 'ss://2022-blake3-aes-128-gcm:hunter2!@h:80', found: 'a text that is no base64', expected: 'base64 of 16 bytes as its key', hint: `it is no password; ${KEY_HINT}` },
  { name: 'a 2022 key of the wrong length', link: `ss://2022-blake3-aes-128-gcm:${encodeURIComponent(KEY)}@h:80`, found: 'base64 of 32 bytes', expected: 'base64 of 16 bytes as its key', hint: KEY_HINT },
  { name: 'a wrong one of several keys', link: `ss://2022-blake3-aes-256-gcm:${encodeURIComponent(`${KEY}:AAAA`)}@h:80`, found: 'base64 of 3 bytes', expected: 'base64 of 32 bytes as key 2 of 2', hint: 'openssl rand -base64 32 makes a new one, for both ends' },
  { name: 'several keys for ChaCha20', link: `ss://2022-blake3-chacha20-poly1305:${encodeURIComponent(`${KEY}:${KEY}`)}@h:80`, found: '2 keys', expected: 'base64 of one key of 32 bytes', hint: 'only the 2022 methods with AES have users with keys of their own' },
]; // prettier-ignore

describe('an ss:// link', () => {
  test.each(ACCEPTED)('may have $name', ({ link, is }) => {
    expect(parsed(link)).toEqual(is);
  });

  test.each(REFUSED)('is refused with $name', ({ link, found, expected, hint }) => {
    expect(parseShareLink(link)).toEqual(new Fault(expected, { found, hint }));
  });

  test('is written as every client reads it', () => {
    fc.assert(
      fc.property(shadowsocks, (config) => {
        const link = formatShareLink(config);
        const [, userinfo] = /^ss:\/\/([^@]+)@/.exec(link)!;
        const plain = `${config.method}:${config.password.reveal()}`;
        // SIP002: for the 2022 methods percent-encoded, "+", "/" and "=" too.
        const is2022 = config.method.startsWith('2022-');
        expect(is2022 ? decodeURIComponent(userinfo!) : Buffer.from(userinfo!, 'base64url').toString()).toBe(
          plain,
        );
        expect(userinfo).toMatch(is2022 ? /^2022-[a-z0-9-]+:(?:[\w.-]|%[0-9A-F]{2})+$/ : /^[\w-]+$/);
      }),
    );
  });

  test('has no place for a raw key', () => {
    const config = { ...fc.sample(shadowsocks, 1)[0]!, rawKey: true } as const;
    expect(() => formatShareLink(config)).toThrow(RangeError);
  });

  test('may have any password, in the plain and the old form', () => {
    const password = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(fc.constantFrom(...AEAD_METHODS), password, (method, password) => {
        const plain = `ss://${method}:${encodeURIComponent(password)}@a.example:1`;
        const old = `ss://${base64(`${method}:${password}@a.example:1`)}`;
        for (const link of [plain, old]) {
          expect(parsed(link)).toMatchObject({ method, password, server: 'a.example', port: 1 });
        }
      }),
    );
  });

  test.each([...METHODS_2022])('with %s and a key of any other length is refused', (method) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (key) => {
        const text = Buffer.from(key).toString('base64');
        const result = parseShareLink(`ss://${method}:${encodeURIComponent(text)}@h:1`);
        expect(result instanceof Fault).toBe(key.length !== (method.includes('128') ? 16 : 32));
      }),
    );
  });
});
