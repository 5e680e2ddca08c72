import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import type { ShadowsocksConfig } from '../../src/config/config.ts';
import { Fault } from '../../src/config/leaf.ts';
import { formatShareLink, parseShareLink } from '../../src/config/share_link.ts';
import { SHADOWSOCKS_METHODS } from '../../src/config/shadowsocks_methods.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');

/** What a link means, the password in the open. */
function parsed(link: string) {
  const result = parseShareLink(link);
  if (result instanceof Fault) throw new Error(`found ${result.found}, expected ${result.expected}`);
  return { ...result, password: result.password.reveal() };
}

const TEST = { type: 'shadowsocks', server: '192.168.100.1', port: 8888, method: 'aes-128-gcm' } as const;

const ACCEPTED: readonly { name: string; link: string; is: object }[] = [
  { name: "SIP002's first example", link: 'ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1', is: { ...TEST, password: 'test', tag: 'Example1' } },
  { name: 'padding', link: `ss://${base64('aes-128-gcm:test')}@192.168.100.1:8888`, is: { ...TEST, password: 'test', tag: undefined } },
  { name: 'escaped padding', link: 'ss://YWVzLTEyOC1nY206dGVzdA%3D%3D@192.168.100.1:8888/', is: { ...TEST, password: 'test', tag: undefined } },
  { name: 'the standard alphabet', link: `ss://${base64('aes-128-gcm:??>>ÿÿ')}@192.168.100.1:8888`, is: { ...TEST, password: '??>>ÿÿ', tag: undefined } },
  { name: 'plain userinfo', link: 'ss://aes-128-gcm:p%40ss%3A%2F%25@192.168.100.1:8888', is: { ...TEST, password: 'p@ss:/%', tag: undefined } },
  { name: 'plain userinfo, unescaped @ : and /', link: 'ss://aes-128-gcm:p@s:s/w@192.168.100.1:8888', is: { ...TEST, password: 'p@s:s/w', tag: undefined } },
  { name: 'an escaped colon', link: 'ss://aes-128-gcm%3Atest@192.168.100.1:8888', is: { ...TEST, password: 'test', tag: undefined } },
  { name: 'an unknown query', link: 'ss://aes-128-gcm:test@192.168.100.1:8888/?a=b@c&plugin=', is: { ...TEST, password: 'test', tag: undefined } },
  { name: 'an IPv6 address', link: 'ss://aes-128-gcm:test@[2001:DB8::1]:8888#a%20b', is: { ...TEST, server: '2001:db8::1', password: 'test', tag: 'a b' } },
  { name: 'a malformed tag', link: 'ss://aes-128-gcm:test@a.example:8888#100%', is: { ...TEST, server: 'a.example', password: 'test', tag: '100%' } },
  { name: 'the old form', link: `ss://${base64('aes-128-gcm:a:b@c/d@192.168.100.1:8888')}#old`, is: { ...TEST, password: 'a:b@c/d', tag: 'old' } },
  { name: 'the old form without padding', link: `ss://${base64url('aes-128-gcm:test@192.168.100.1:8888')}`, is: { ...TEST, password: 'test', tag: undefined } },
  { name: "go-shadowsocks2's method names", link: 'SS://AEAD_AES_128_GCM:test@192.168.100.1:8888', is: { ...TEST, password: 'test', tag: undefined } },
]; // prettier-ignore

const REFUSED: readonly { name: string; link: string; found: string; expected?: string; hint?: string }[] = [
  { name: 'another scheme', link: 'vmess://hunter2', found: 'a vmess:// link' },
  { name: 'no scheme', link: 'aes-128-gcm:hunter2@h:1', found: 'a text without ss://' },
  { name: 'no host', link: 'ss://aes-128-gcm:hunter2@:1', found: 'no host' },
  { name: 'no port', link: 'ss://aes-128-gcm:hunter2@h', found: 'no port' },
  { name: 'nothing but a password', link: 'ss://hunter2', found: 'a link without @HOST:PORT' },
  { name: 'port 0', link: 'ss://aes-128-gcm:hunter2@h:0', found: 'port 0', expected: 'a port, 1 to 65535, after the host' },
  { name: 'port 65536', link: 'ss://aes-128-gcm:hunter2@h:65536', found: 'a port above 65535', expected: 'a port, 1 to 65535, after the host' },
  { name: 'port 99999', link: 'ss://aes-128-gcm:hunter2@h:99999', found: 'a port above 65535', expected: 'a port, 1 to 65535, after the host' },
  { name: 'a service in place of the port', link: 'ss://aes-128-gcm:hunter2@h:hunter2', found: 'a port that is no number' },
  { name: 'an empty port', link: 'ss://aes-128-gcm:hunter2@h:', found: 'no port' },
  { name: 'a port with zeros', link: 'ss://aes-128-gcm:hunter2@h:0080', found: 'a port with a 0 in front' },
  { name: 'an IPv6 address without brackets', link: 'ss://aes-128-gcm:hunter2@2001:db8::1:80', found: 'more than one ":"', hint: 'write an IPv6 address in brackets: [2001:db8::1]:8388' },
  { name: 'no address in brackets', link: 'ss://aes-128-gcm:hunter2@[::g]:80', found: 'something else there', expected: 'an IPv6 address in the brackets' },
  { name: 'a host that is none', link: 'ss://aes-128-gcm:hunter2@1.2.3.4.5:80', found: 'something else there', expected: 'a host name or an IP address as its host' },
  { name: 'a path', link: 'ss://aes-128-gcm:hunter2@h:80/x', found: 'a path' },
  { name: 'no password', link: 'ss://aes-128-gcm:@h:80', found: 'an empty password' },
  { name: 'no colon', link: `ss://${base64url('aes-128-gcm hunter2')}@h:80`, found: 'base64 without a ":" in it before the @' },
  { name: 'neither form', link: 'ss://hunter2!@h:80', found: 'neither before the @' },
  { name: 'a bad escape', link: 'ss://aes-128-gcm:100%hunter2@h:80', found: 'a malformed % escape before the @', hint: 'a "%" that belongs to the password is written %25' },
  { name: 'a plugin', link: 'ss://aes-128-gcm:hunter2@h:80/?plugin=obfs-local%3Bobfs%3Dhttp', found: 'a plugin', hint: 'plugins are not supported yet' },
  { name: 'a mistyped method', link: 'ss://aes-256-gmc:hunter2@h:80', found: '"aes-256-gmc"', hint: 'did you mean aes-256-gcm?' },
  { name: 'method and password swapped', link: 'ss://hunter2:aes-256-gcm@h:80', found: 'an unknown name', expected: `one of ${SHADOWSOCKS_METHODS.join(', ')} as its method` },
  { name: 'a stream cipher', link: 'ss://aes-256-cfb:hunter2@h:80', found: 'aes-256-cfb', hint: 'this method does not protect the traffic and is not supported; set another on the server' },
  { name: 'a 2022 method', link: 'ss://2022-blake3-aes-256-gcm:hunter2@h:80', found: '2022-blake3-aes-256-gcm', hint: 'the 2022 methods are not supported yet' },
]; // prettier-ignore

describe('parseShareLink', () => {
  test.each(ACCEPTED)('reads $name', ({ link, is }) => {
    expect(parsed(link)).toEqual(is as never);
  });

  test.each(REFUSED)('refuses $name', ({ link, found, expected, hint }) => {
    const fault = parseShareLink(link) as Fault;
    expect(fault).toBeInstanceOf(Fault);
    expect(fault.found).toBe(found);
    expect(fault.hint).toBe(hint);
    if (expected !== undefined) expect(fault.expected).toBe(expected);
    expect(JSON.stringify(fault)).not.toContain('hunter2');
  });

  const password = fc.string({ unit: 'grapheme', minLength: 1 });
  const server = fc.oneof(fc.domain(), fc.ipV4(), fc.constantFrom('::1', '2001:db8::5'));
  const port = fc.integer({ min: 1, max: 65535 });
  const tag = fc.option(fc.string({ unit: 'grapheme', minLength: 1 }), { nil: undefined });
  const method = fc.constantFrom(...SHADOWSOCKS_METHODS);

  test('reads what formatShareLink writes', () => {
    fc.assert(
      fc.property(method, password, server, port, tag, (method, password, server, port, tag) => {
        const config: ShadowsocksConfig = {
          type: 'shadowsocks',
          server,
          port,
          method,
          password: new Secret(password),
          tag,
        };
        expect(parsed(formatShareLink(config))).toEqual({ ...config, password });
      }),
    );
  });

  test('reads every password in the plain and the old form', () => {
    fc.assert(
      fc.property(method, password, port, (method, password, port) => {
        const plain = `ss://${method}:${encodeURIComponent(password)}@a.example:${port}`;
        const old = `ss://${base64(`${method}:${password}@a.example:${port}`)}`;
        for (const link of [plain, old]) {
          expect(parsed(link)).toMatchObject({ method, password, server: 'a.example', port });
        }
      }),
    );
  });

  test('shows no password, whatever is done to the link', () => {
    const piece = fc.constantFrom('@', ':', '/', '?', '#', '%', '[', ']', 'ss://', '?plugin=x', '', ' ');
    fc.assert(
      fc.property(fc.array(piece, { minLength: 4, maxLength: 8 }), fc.boolean(), (pieces, encoded) => {
        const words = ['ss://', 'aes-256-gcm', 'Correct-Horse-9', 'h.example', '8388'];
        const text = words.map((word, i) => word + (pieces[i] ?? '')).join('');
        const fault = parseShareLink(encoded ? `ss://${base64(text)}` : text);
        if (fault instanceof Fault) expect(JSON.stringify(fault)).not.toContain('Correct-Horse');
      }),
      { numRuns: 3000 },
    );
  });

  test('throws nothing, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseShareLink(`ss://${text}`)));
  });
});
