import { describe, expect, test } from 'bun:test';
import { Fault } from '../../src/config/leaf.ts';
import { parseShareLink } from '../../src/config/share_link.ts';
import { revealed } from './upstreams.ts';

const PIN = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const TLS = { pins: [], insecure: false };
const HTTP = { type: 'http', server: 'h.example', port: 8080, names: true };
const SOCKS5 = { ...HTTP, type: 'socks5', port: 1080 };
const TUNNEL = { type: 'tls', server: 'h.example', port: 443, token: 't', tls: TLS, names: false };

const ACCEPTED: readonly { link: string; is: object }[] = [
    { link: 'http://h.example:8080', is: HTTP },
    { link: 'HTTP://h.example:8080/#office', is: { ...HTTP, tag: 'office' } },
    { link: 'http://@h.example:8080', is: HTTP },
    { link: 'http://u:p@h.example:8080', is: { ...HTTP, user: 'u', password: 'p' } },
    { link: 'http://u%40x@h.example:8080', is: { ...HTTP, user: 'u@x' } },
    { link: 'http://u:@h.example:8080', is: { ...HTTP, user: 'u', password: '' } },
    { link: 'http://:p@h.example:8080', is: { ...HTTP, user: '', password: 'p' } },
    { link: 'http://u:p:%40%2F@x@h.example:8080', is: { ...HTTP, user: 'u', password: 'p:@/@x' } },
    { link: 'http://[2001:db8::1]:8080', is: { ...HTTP, server: '2001:db8::1' } },
    { link: 'https://u:p@h.example:8080', is: { ...HTTP, user: 'u', password: 'p', tls: TLS } },
    { link: `https://h.example:8080?sni=a.example&pin=${PIN}`, is: { ...HTTP, tls: { ...TLS, sni: 'a.example', pins: [PIN] } } },
    { link: `https://h.example:8080/?pin=${PIN},SHA256:${PIN.toUpperCase()}&pin=${PIN.replace(/..(?!$)/g, '$&:')}`, is: { ...HTTP, tls: { ...TLS, pins: [PIN, PIN, PIN] } } },
    { link: 'https://h.example:8080/?ca=/etc/a%20b+c.pem&cert=c.pem&key=k.pem&insecure=1', is: { ...HTTP, tls: { pins: [], ca: '/etc/a b+c.pem', cert: 'c.pem', key: 'k.pem', insecure: true } } },
    { link: 'https://h.example:8080/?insecure=true&insecure=0', is: { ...HTTP, tls: TLS } },
    { link: 'socks5://h.example:1080', is: SOCKS5 },
    { link: 'socks5h://h.example:1080', is: SOCKS5 },
    { link: 'socks://u:p@h.example:1080#x', is: { ...SOCKS5, user: 'u', password: 'p', tag: 'x' } },
    { link: 'snet+tls://t@h.example:443', is: TUNNEL },
    { link: 'snet+tls://a%40b:c/d%3F@h.example:443', is: { ...TUNNEL, token: 'a@b:c/d?' } },
    { link: 'snet+tls://t@h.example:443?insecure=1&sni=a.example#x', is: { ...TUNNEL, tls: { ...TLS, sni: 'a.example', insecure: true }, tag: 'x' } },
]; // prettier-ignore

describe('a link', () => {
  test.each(ACCEPTED)('$link is read', ({ link, is }) => {
    expect(revealed(parseShareLink(link))).toEqual(is);
  });

  const HTTP_HINT = 'a right one: http://USER:PASSWORD@proxy.example.com:8080';
  const HTTPS_HINT = 'a right one: https://USER:PASSWORD@proxy.example.com:443';
  const SOCKS5_HINT = 'a right one: socks5://USER:PASSWORD@proxy.example.com:1080';
  const TUNNEL_HINT = 'a right one: snet+tls://TOKEN@proxy.example.com:443';
  const SUBSCRIPTION_HINT =
    'if it is a subscription: snet init --subscription URL, or { "type": "subscription", "url": … } in the file';
  const BYTES = 'a user and a password of 1 to 255 bytes each';
  const OPTIONS = 'sni, pin, ca, cert, key, insecure after the ?';
  const PIN_HINT = 'openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE prints it';

  test.each([
    { link: 'http://u%3Ax:hunter2@h:1', found: 'a ":" in the user', expected: 'a user without ":"', hint: HTTP_HINT },
    { link: 'http://u:hunter2%0A@h:1', found: 'one', expected: 'a user and a password without control characters', hint: HTTP_HINT },
    { link: 'http://h:1/?insecure=1', found: 'a query', expected: 'nothing after the port but "/" and #tag', hint: 'options are those of TLS: https://' },
    { link: 'https://h:1/?hunter2=1', found: 'an unknown option', expected: OPTIONS, hint: HTTPS_HINT },
    { link: 'https://h:1/?pins=1', found: 'an unknown option "pins"', expected: OPTIONS, hint: 'did you mean pin?' },
    { link: 'https://h:1/?pin=hunter2', found: 'something else there', expected: 'the SHA-256 of a certificate, 64 hexadecimal digits as its pin', hint: PIN_HINT },
    { link: 'https://h:1/?sni=a..b', found: 'something else there', expected: 'a host name or an IP address as its sni', hint: HTTPS_HINT },
    { link: 'https://h:1/?insecure=hunter2', found: 'another value', expected: 'insecure=1 or insecure=0', hint: HTTPS_HINT },
    { link: 'https://h:1/?ca', found: 'nothing', expected: 'a value after ca=', hint: HTTPS_HINT },
    { link: 'https://h:1/?cert=a.pem', found: '"cert" without "key"', expected: 'both "cert" and "key", or neither', hint: HTTPS_HINT },
    { link: 'https://h:1/?key=a.pem', found: '"key" without "cert"', expected: 'both "cert" and "key", or neither', hint: HTTPS_HINT },
    { link: 'https://sub.example/hunter2', found: 'no port', expected: 'HOST:PORT after https://', hint: SUBSCRIPTION_HINT },
    { link: 'https://sub.example:443/hunter2', found: 'a path', expected: 'nothing after the port but "/", ?query and #tag', hint: SUBSCRIPTION_HINT },
    { link: 'https://sub.example', found: 'no port', expected: 'HOST:PORT after https://', hint: SUBSCRIPTION_HINT },
    { link: 'socks5://hunter2@h:1', found: 'no password', expected: BYTES, hint: SOCKS5_HINT },
    { link: 'socks5://:hunter2@h:1', found: 'no user', expected: BYTES, hint: SOCKS5_HINT },
    { link: `socks5://u:${'ü'.repeat(128)}@h:1`, found: 'a password of 256 bytes', expected: BYTES, hint: SOCKS5_HINT },
    { link: 'socks5://h:1/?sni=x', found: 'a query', expected: 'nothing after the port but "/" and #tag', hint: SOCKS5_HINT },
    { link: 'snet+tls://h:1', found: 'no "@"', expected: 'TOKEN@HOST:PORT after snet+tls://', hint: TUNNEL_HINT },
    { link: 'snet+tls://@h:1', found: 'an empty token', expected: 'a token of 1 to 65535 bytes', hint: TUNNEL_HINT },
    { link: `snet+tls://${'x'.repeat(65536)}@h:1`, found: 'a token of 65536 bytes', expected: 'a token of 1 to 65535 bytes', hint: TUNNEL_HINT },
  ])('$link is refused', ({ link, found, expected, hint }) => {
    expect(parseShareLink(link)).toEqual(new Fault(expected, { found, hint }));
  }); // prettier-ignore
});
