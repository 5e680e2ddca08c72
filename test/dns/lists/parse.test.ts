import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { noFindings, parseList } from '../../../src/dns/lists/parse.ts';
import type { PlainMeaning } from '../../../src/dns/lists/rule.ts';

/** `name` for an exact one, `*.name` for a suffix, `!` in front of an exception. */
function parsed(text: string, plain: PlainMeaning = 'suffix') {
  const findings = noFindings();
  const rules = [...parseList(text, plain, findings)].map(
    ({ name, suffix, exception }) => `${exception ? '!' : ''}${suffix ? '*.' : ''}${name}`,
  );
  return { found: rules, ...findings };
}

describe('one line', () => {
  test.each([
    // Plain.
    ['example.com', ['*.example.com']],
    ['  Example.COM.  \r', ['*.example.com']],
    ['*.example.com', ['*.example.com']],
    ['.example.com', ['*.example.com']],
    ['cn', ['*.cn']],
    ['_dmarc.example.com', ['*._dmarc.example.com']],
    ['münchen.de', ['*.xn--mnchen-3ya.de']],
    ['ＦＯＯ。com', ['*.foo.com']],
    ['中国', ['*.xn--fiqs8s']],
    ['example.com # why', ['*.example.com']],
    ['example.com#why', ['*.example.com']],
    ['example.com # see a##b', ['*.example.com']],
    ['\u{feff}example.com', ['*.example.com']],
    // Nothing.
    ['', []],
    ['# example.com', []],
    ['! example.com', []],
    // dnsmasq.
    ['server=/example.com/114.114.114.114', ['*.example.com']],
    ['server=/a.com/b.com/127.0.0.1#5353', ['*.a.com', '*.b.com']],
    ['server=/example.com/', ['*.example.com']],
    ['server=/*.example.com/1.1.1.1', ['*.example.com']],
    ['server=/sub.example.com/#', ['!*.sub.example.com']],
    ['address=/ads.example.com/#', ['*.ads.example.com']],
    ['address=/ads.example.com/0.0.0.0', ['*.ads.example.com']],
    ['ipset=/example.com/set4,set6', ['*.example.com']],
    ['nftset=/example.com/4#inet#t#s', ['*.example.com']],
    ['local=/corp.example/', ['*.corp.example']],
    ['server=//10.0.0.1', []],
    // hosts.
    ['0.0.0.0 ads.example.com', ['ads.example.com']],
    ['127.0.0.1\tads.example.com  two.example.com # both', ['ads.example.com', 'two.example.com']],
    ['::1 ads.example.com', ['ads.example.com']],
    ['0.0.0.0 Ads.Example.com#x', ['ads.example.com']],
    ['127.0.0.1 localhost localhost.localdomain', []],
    ['255.255.255.255 broadcasthost', []],
    ['fe80::1%lo0 localhost', []],
    ['0.0.0.0 0.0.0.0', []],
    // AdBlock.
    ['||example.com^', ['*.example.com']],
    ['||example.com', ['*.example.com']],
    ['||*.example.com^', ['*.example.com']],
    ['||example.com^$important', ['*.example.com']],
    ['@@||good.example.com^', ['!*.good.example.com']],
    ['@@||good.example.com^|', ['!*.good.example.com']],
    // v2ray.
    ['domain:example.com', ['*.example.com']],
    ['domain:example.com @ads', ['*.example.com']],
    ['domain:example.com:@cn', ['*.example.com']],
    ['full:www.example.com # one', ['www.example.com']],
  ])('%j', (line, rules) => {
    expect(parsed(line)).toEqual({ found: rules, rules: rules.length, ignored: 0, bad: 0, shown: [] });
  });

  test.each([
    '||example.com^$third-party',
    '||example.com^$important,domain=a.example',
    '||example.com/ads/',
    '||192.0.2.1^',
    '||ads*.example.com^',
    '|https://example.com/',
    '@@||example.com/path',
    '/ads[0-9]+/',
    '/banner/*/img^',
    'example.com##.banner',
    'example.com#@#.banner',
    'example.com#$#body { }',
    'regexp:^ad\\.',
    'keyword:ads',
    'include:google',
    'bogus-nxdomain=192.0.2.1',
    'server=192.0.2.1',
    'cache-size=1000',
  ])('%j says nothing of whole names', (line) => {
    expect(parsed(line)).toMatchObject({ ignored: 1, bad: 0, shown: [] });
  });

  test.each([
    ['two words', 'more than a name'],
    ['*example.com', 'a wildcard can only stand in front, as in *.example.com'],
    ['ads.*.com', 'a wildcard can only stand in front, as in *.example.com'],
    ['a..b', 'not a domain name'],
    [`${'a'.repeat(64)}.com`, 'not a domain name'],
    [`${'a.'.repeat(126)}com`, 'not a domain name'],
    ['192.0.2.1', 'not a domain name'],
    ['2001:db8::1', 'not a domain name'],
    ['<!DOCTYPE html>', 'more than a name'],
    ['{"error":404}', 'not a domain name'],
    ['0.0.0.0 a_b.example^', 'not a domain name behind the address'],
    ['server=/example.com', 'server=/NAME/ is not closed by a slash'],
    ['address=/#/192.0.2.1', 'not a domain name between the slashes'],
    ['domain:', 'not a domain name'],
    ['example.com\0', 'not a domain name'],
  ])('%j is bad: %s', (line, why) => {
    expect(parsed(`good.example\n${line}\n`)).toMatchObject({
      bad: 1,
      shown: [{ line: 2, text: line.slice(0, 60), why }],
    });
  });
});

test('a bare name in a block list is that name alone', () => {
  const { found } = parsed('example.com\n*.example.org\n||example.net^\ndomain:example.edu', 'exact');
  expect(found).toEqual(['example.com', '*.example.org', '*.example.net', '*.example.edu']);
});

test('only the first bad lines are shown, all are counted, the rest is used', () => {
  const { found, bad, shown } = parsed(`${'no name\n'.repeat(20)}example.com`);
  expect({ found, bad, lines: shown.map(({ line }) => line) }).toEqual({
    found: ['*.example.com'],
    bad: 20,
    lines: [1, 2, 3, 4, 5],
  });
});

test('a line without an end is not taken apart', () => {
  const { bad, shown } = parsed(`${'a'.repeat(1_000_000)}\nexample.com`);
  expect({ bad, shown }).toEqual({
    bad: 1,
    shown: [{ line: 1, text: 'a'.repeat(60), why: 'longer than 8192 characters' }],
  });
});

describe('a list of AdBlock', () => {
  const text = `[Adblock Plus 2.0]
! Title: Test
||ads.example.com^
-banner-300x250.
&ad_box=
example.com##.ad
@@||fine.example.com^
`;

  test('its patterns of pages are no mistakes', () => {
    expect(parsed(text)).toMatchObject({
      found: ['*.ads.example.com', '!*.fine.example.com'],
      ignored: 3,
      bad: 0,
    });
  });
});

describe('gfwlist', () => {
  const text = `[AutoProxy 0.2.9]
! Checksum: x
||google.com
|http://www.example.com/some/page
|https://secure.example.org
.blogspot.com
dotless
example.net/path
||fbcdn*.akamaihd.net
|http://85.17.73.31/
/^https?:\\/\\/[^\\/]+blogspot\\.(.*)/
@@||cn.bing.com
@@|http://example.net/only/this
`;
  const rules = [
    '*.google.com',
    '*.www.example.com',
    '*.secure.example.org',
    '*.blogspot.com',
    '*.example.net',
    '!*.cn.bing.com',
  ];

  test('as text', () => expect(parsed(text)).toMatchObject({ found: rules, ignored: 5, bad: 0 }));

  test('in base64, with line ends', () => {
    const encoded = Buffer.from(text)
      .toString('base64')
      .replaceAll(/.{64}/g, (line) => `${line}\n`);
    expect(parsed(encoded)).toMatchObject({ found: rules, ignored: 5, bad: 0 });
  });

  test('base64 of something else is no list, nor are labels that look like base64', () => {
    expect(parsed(Buffer.from('example.com').toString('base64')).found).not.toContain('*.example.com');
    expect(parsed('cn\nlocal\n').found).toEqual(['*.cn', '*.local']);
  });
});

describe('whatever comes', () => {
  const LABEL = /^[a-z0-9_-]{1,63}$/;
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom('server=/', '/', '||', '^', '$', '@@', '*.', '.', '#', 'a.com', '1.2.3.4', ' ', ':', '\0', '中', 'full:', 'xn--'),
      )
      .map((parts) => parts.join('')),
  ); // prettier-ignore

  test('nothing is thrown, every name is one, every line is counted', () => {
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, isGfwlist) => {
        const findings = noFindings();
        const text = `${isGfwlist ? '[AutoProxy 0.2.9]\n' : ''}${lines.join('\n')}`;
        const rules = [...parseList(text, 'exact', findings)];
        expect(findings.rules).toBe(rules.length);
        expect(findings.shown.length).toBe(Math.min(findings.bad, 5));
        for (const { name } of rules) {
          expect(name.length).toBeLessThanOrEqual(253);
          expect(name.split('.').every((label) => LABEL.test(label))).toBe(true);
        }
      }),
    );
  });
});
