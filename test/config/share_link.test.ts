import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { Secret } from '../../src/base/secret.ts';
import { Fault } from '../../src/config/leaf.ts';
import { formatShareLink, parseShareLink } from '../../src/config/share_link.ts';
import { http, linkable, revealed, secretsOf, shadowsocks, socks5, tunnel } from './upstreams.ts';

describe('parseShareLink', () => {
  test.each([
    { name: 'shadowsocks', upstream: shadowsocks },
    { name: 'http', upstream: http },
    { name: 'socks5', upstream: socks5 },
    { name: 'tls', upstream: tunnel },
  ])('reads what formatShareLink writes of $name', ({ upstream }) => {
    fc.assert(
      fc.property(upstream, (config) => {
        expect(revealed(parseShareLink(formatShareLink(config)))).toEqual(revealed(config));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    { name: 'another scheme', link: 'vmess://hunter2', found: 'a vmess:// link' },
    { name: 'no scheme', link: 'aes-128-gcm:hunter2@h:1', found: 'a text without a scheme://' },
    { name: 'a scheme behind something', link: 'x ss://hunter2', found: 'a text without a scheme://' },
    { name: 'SOCKS4', link: 'socks4://h:1', found: 'a socks4:// link' },
  ])('refuses $name, and says which there are', ({ link, found }) => {
    const fault = parseShareLink(link) as Fault;
    expect(fault).toEqual(
      new Fault('a share link such as ss://METHOD:PASSWORD@HOST:PORT', {
        found,
        hint: 'known are ss://, http://, https://, socks5://, snet+tls://',
      }),
    );
  });

  test.each(['"', "'", '“'])('refuses %s around it, and says to leave it out', (mark) => {
    expect(parseShareLink(`${mark}ss://aes-128-gcm:hunter2@h:1${mark}`)).toEqual(
      new Fault('a share link such as ss://METHOD:PASSWORD@HOST:PORT', {
        found: 'a text that begins with a quotation mark',
        hint: 'leave out the quotation marks',
      }),
    );
  });

  /** The part that is wrong is one for all schemes. */
  const BROKEN = [
    { name: 'no port', rest: 'proxy.example', found: 'no port' },
    { name: 'no host', rest: ':1', found: 'no host' },
    { name: 'nothing behind the colon', rest: 'h:', found: 'no port' },
    { name: 'a port in words', rest: 'h:https', found: 'a port that is no number' },
    { name: 'port 0', rest: 'h:0', found: 'port 0' },
    { name: 'port 65536', rest: 'h:65536', found: 'a port above 65535' },
    { name: 'port 080', rest: 'h:080', found: 'a port with a 0 in front' },
    { name: 'an IPv6 address without brackets', rest: '2001:db8::1:80', found: 'more than one ":"' },
    { name: 'no address in brackets', rest: '[::g]:80', found: 'something else there' },
    { name: 'a host that is none', rest: '1.2.3.4.5:80', found: 'something else there' },
    { name: 'a path', rest: 'h:80/x', found: 'a path' },
    { name: 'a bad escape', rest: '%hunter2@h:80', found: 'a malformed % escape before the @' },
  ] as const;
  const SCHEMES = [
    { scheme: 'ss', userinfo: 'aes-128-gcm:hunter2@' },
    { scheme: 'http', userinfo: 'user:hunter2@' },
    { scheme: 'https', userinfo: 'user:hunter2@' },
    { scheme: 'socks5', userinfo: 'user:hunter2@' },
    { scheme: 'snet+tls', userinfo: 'hunter2@' },
  ] as const;

  test.each(SCHEMES.flatMap((scheme) => BROKEN.map((broken) => ({ ...scheme, ...broken }))))(
    'refuses $scheme:// with $name, and shows what to do',
    ({ scheme, userinfo, rest, found }) => {
      const link = rest.includes('@')
        ? `${scheme}://${userinfo.slice(0, -1)}${rest}`
        : `${scheme}://${userinfo}${rest}`;
      const fault = parseShareLink(link) as Fault;
      expect(fault).toBeInstanceOf(Fault);
      expect(fault.found).toBe(found);
      expect(fault.hint).toBeString();
      expect(JSON.stringify(fault)).not.toContain('hunter2');
    },
  );

  test.each(SCHEMES)('shows a right $scheme:// link, which is one', ({ scheme, userinfo }) => {
    const { hint } = parseShareLink(`${scheme}://${userinfo}h:port`) as Fault;
    const [, example] = /^a right one: (.*)$/.exec(hint!)!;
    expect(parseShareLink(example!)).not.toBeInstanceOf(Fault);
    expect(example).toStartWith(`${scheme}://`);
  });

  test('shows no secret, whatever is done to the link', () => {
    const piece = fc.constantFrom(
      '@',
      ':',
      '/',
      '?',
      '#',
      '%',
      '[',
      ']',
      '&pin=',
      '?plugin=',
      'ss://',
      ' ',
      '=',
    );
    const secret = 'Correct-Horse-9';
    fc.assert(
      fc.property(linkable, fc.array(fc.tuple(fc.nat(200), piece), { maxLength: 4 }), (config, edits) => {
        // A 2022 method takes no such password.
        fc.pre(secretsOf(config).length > 0 && !('method' in config && config.method.startsWith('2022-')));
        const marked = { ...config, [config.type === 'tls' ? 'token' : 'password']: new Secret(secret) };
        let link = formatShareLink(marked);
        for (const [at, text] of edits) link = `${link.slice(0, at)}${text}${link.slice(at)}`;
        const fault = parseShareLink(link);
        if (fault instanceof Fault) expect(JSON.stringify(fault)).not.toMatch(/Correct|Horse/);
      }),
      { numRuns: 2000 },
    );
  });

  test('throws nothing, whatever the text', () => {
    const scheme = fc.constantFrom('ss', 'http', 'https', 'socks5', 'snet+tls', 'x', '');
    fc.assert(
      fc.property(scheme, fc.string({ unit: 'binary' }), (scheme, text) => {
        parseShareLink(`${scheme}://${text}`);
      }),
    );
  });
});
