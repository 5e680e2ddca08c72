import { describe, expect, test } from 'bun:test';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import type { LoadedLists } from '../../src/dns/lists/load.ts';
import { explainKind, kindOf } from '../../src/dns/name_kind.ts';
import { createNamePolicy, decidePolicy, type PolicyConfig } from '../../src/dns/policy.ts';
import type { Question } from '../../src/dns/question.ts';
import { CLASS, TYPE, typeNumber } from '../../src/dns/wire/constants.ts';
import { lists, PLAIN } from './name_policy.ts';

const hosts = (table: Record<string, string[]>) =>
  new Map(Object.entries(table).map(([name, texts]) => [name, texts.map((text) => parseAddress(text)!)]));

const asked = (name: string, type = 'A'): Question => ({
  name,
  type: typeNumber(type)!,
  class: CLASS.IN,
  end: 0,
  edns: undefined,
  recursionDesired: true,
  checkingDisabled: false,
});

/** The verdict on one line: `ask KIND`, or `REASON RCODE ADDRESS… (WHY)`. */
function verdict(config: Partial<PolicyConfig>, loaded: LoadedLists, name: string, type = 'A'): string {
  const found = decidePolicy(asked(name, type), createNamePolicy({ ...PLAIN, ...config }, loaded));
  if (found.action === 'ask') return `ask ${found.name.kind}`;
  return [found.reason, found.rcode, ...found.addresses.map(formatAddress), `(${found.why})`].join(' ');
}

describe('hosts', () => {
  const config = {
    hosts: hosts({
      'one.example': ['192.0.2.1'],
      'both.example': ['192.0.2.1', '192.0.2.2', '2001:db8::1'],
      '*.wild.example': ['192.0.2.3'],
      'a.wild.example': ['192.0.2.4'],
      'Empty.Example.': [],
      'printer.lan': ['10.0.0.9'],
    }),
  };

  test.each([
    ['one.example', 'A', 'mapped 0 192.0.2.1 (hosts one.example)'],
    ['one.example', 'AAAA', 'mapped 0 (hosts one.example)'],
    ['one.example', 'HTTPS', 'mapped 0 (hosts one.example)'],
    ['one.example', 'MX', 'mapped 0 (hosts one.example)'],
    ['both.example', 'A', 'mapped 0 192.0.2.1 192.0.2.2 (hosts both.example)'],
    ['both.example', 'AAAA', 'mapped 0 2001:db8::1 (hosts both.example)'],
    ['both.example', 'ANY', 'mapped 0 192.0.2.1 192.0.2.2 2001:db8::1 (hosts both.example)'],
    ['x.y.wild.example', 'A', 'mapped 0 192.0.2.3 (hosts *.wild.example)'],
    ['wild.example', 'A', 'mapped 0 192.0.2.3 (hosts *.wild.example)'],
    ['a.wild.example', 'A', 'mapped 0 192.0.2.4 (hosts a.wild.example)'],
    ['b.a.wild.example', 'A', 'mapped 0 192.0.2.3 (hosts *.wild.example)'],
    ['evilwild.example', 'A', 'ask unknown'],
    ['sub.one.example', 'A', 'ask unknown'],
    ['empty.example', 'A', 'mapped 0 (hosts empty.example)'],
    ['printer.lan', 'A', 'mapped 0 10.0.0.9 (hosts printer.lan)'],
  ])('%s %s: %s', (name, type, expected) => {
    expect(verdict(config, lists({}), name, type)).toBe(expected);
  });
});

describe('block', () => {
  const loaded = lists({ block: '0.0.0.0\tads.example ||tracker.example^ @@||fine.tracker.example^' });
  const config = { block: ['exact.example', '*.suffix.example', '*.fine.tracker.example'] };

  test.each([
    ['exact.example', 'blocked 3 (block exact.example)'],
    ['www.exact.example', 'ask unknown'],
    ['suffix.example', 'blocked 3 (block *.suffix.example)'],
    ['a.b.suffix.example', 'blocked 3 (block *.suffix.example)'],
    ['evilsuffix.example', 'ask unknown'],
    ['ads.example', 'blocked 3 (ads.example of /lists/a.txt)'],
    ['www.ads.example', 'ask unknown'],
    ['www.tracker.example', 'blocked 3 (*.tracker.example of /lists/a.txt)'],
  ])('%s: %s', (name, expected) => expect(verdict(config, loaded, name)).toBe(expected));

  test("an exception of a list counts against lists, not against the configuration's own words", () => {
    expect(verdict({}, loaded, 'fine.tracker.example')).toBe('ask unknown');
    expect(verdict(config, loaded, 'fine.tracker.example')).toStartWith('blocked');
  });

  test.each([
    ['nxdomain', 'A', 'blocked 3 ()'],
    ['nxdomain', 'HTTPS', 'blocked 3 ()'],
    ['nodata', 'A', 'blocked 0 ()'],
    ['zero', 'A', 'blocked 0 0.0.0.0 ()'],
    ['zero', 'AAAA', 'blocked 0 :: ()'],
    ['zero', 'HTTPS', 'blocked 0 ()'],
  ] as const)('answer %s to %s: %s', (blockAnswer, type, expected) => {
    const found = verdict({ block: ['a.example'], blockAnswer }, lists({}), 'a.example', type);
    expect(found.replace(/\(.*\)/, '()')).toBe(expected);
  });
});

describe('refused types, by kind of name', () => {
  const loaded = lists({ china: 'site.test-cn', foreign: 'site.test-fq' });
  const refuseTypes = { china: [TYPE.AAAA], foreign: [TYPE.HTTPS], unknown: [TYPE.SVCB] };

  test.each([
    ['site.test-cn', 'AAAA', 'disabled 0 (AAAA is refused for Chinese names)'],
    ['site.test-cn', 'HTTPS', 'ask china'],
    ['site.test-fq', 'HTTPS', 'disabled 0 (HTTPS is refused for foreign names)'],
    ['site.test-fq', 'AAAA', 'ask foreign'],
    ['other.test-xx', 'SVCB', 'disabled 0 (SVCB is refused for unknown names)'],
    ['printer', 'AAAA', 'ask local'],
  ])('%s %s: %s', (name, type, expected) => {
    expect(verdict({ refuseTypes }, loaded, name, type)).toBe(expected);
  });
});

test('the order: refused types, hosts, blocks', () => {
  const config = {
    hosts: hosts({ 'a.example': ['192.0.2.1'] }),
    block: ['a.example', 'b.example'],
    refuseTypes: { china: [], foreign: [], unknown: [TYPE.AAAA] },
  };
  expect(verdict(config, lists({}), 'a.example', 'AAAA')).toStartWith('disabled 0');
  expect(verdict(config, lists({}), 'a.example')).toStartWith('mapped 0 192.0.2.1');
  expect(verdict(config, lists({}), 'b.example')).toStartWith('blocked 3');
});

test('an upstream without IPv6: AAAA of foreign names only, and not of those in hosts', () => {
  const loaded = lists({ foreign: 'a.example b.example', china: 'c.example' });
  const config = { upstreamIPv6: false, hosts: hosts({ 'b.example': ['::1'] }) };
  expect(['a.example', 'b.example', 'c.example', 'd.example'].map((name) => verdict(config, loaded, name, 'AAAA'))).toEqual([
    'disabled 0 (the upstream has no IPv6)',
    'mapped 0 ::1 (hosts b.example)',
    'ask china',
    'ask unknown',
  ]);
  expect(verdict(config, loaded, 'a.example', 'A')).toBe('ask foreign');
}); // prettier-ignore

describe('names whose answer is fixed', () => {
  test.each([
    ['localhost', 'A', 'mapped 0 127.0.0.1 (RFC 6761 §6.3)'],
    ['app.localhost', 'AAAA', 'mapped 0 ::1 (RFC 6761 §6.3)'],
    ['localhost', 'TXT', 'mapped 0 (RFC 6761 §6.3)'],
    ['a.invalid', 'A', 'blocked 3 (RFC 6761 §6.4)'],
    ['duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion', 'A', 'blocked 3 (RFC 7686 §2)'],
    ['onion.example', 'A', 'ask unknown'],
    ['_dns.resolver.arpa', 'SVCB', 'blocked 0 (RFC 9462 §4)'],
    ['notresolver.arpa', 'SVCB', 'ask unknown'],
  ])('%s %s: %s', (name, type, expected) => {
    expect(verdict({}, lists({}), name, type)).toBe(expected);
  });

  test('hosts may say otherwise', () => {
    const config = { hosts: hosts({ '*.localhost': ['192.0.2.1'] }) };
    expect(verdict(config, lists({}), 'app.localhost')).toStartWith('mapped 0 192.0.2.1');
  });
});

test('only questions of class IN are answered', () => {
  const policy = createNamePolicy({ ...PLAIN, block: ['version.bind'] }, lists({}));
  const question = { ...asked('version.bind', 'TXT'), class: CLASS.CH };
  expect(decidePolicy(question, policy).action).toBe('ask');
});

test.each(['a.*.example', '*', 'a b', '1.2.3.4'])('%j as a pattern is a mistake of the caller', (pattern) => {
  expect(() => createNamePolicy({ ...PLAIN, block: [pattern] }, lists({}))).toThrow(TypeError);
});

describe('the kind of a name', () => {
  const loaded = lists({
    china: 'example.com more.example.com cdn.shared.example tie.example youtube.com',
    foreign:
      'deep.example.com x.more.example.com shared.example tie.example 1x.corp ||baidu.com @@||www.google.com',
  });
  const config = {
    ...PLAIN,
    names: { china: ['www.tie.example', '*.deep.example.com'], foreign: ['*.own.cn', 'baidu.com'] },
    local: ['office.example', '*.branch.example'],
  };
  const { known } = createNamePolicy(config, loaded);

  test.each([
    ['www.example.com', 'china', '*.example.com of /lists/a.txt'],
    ['www.shared.example', 'foreign', '*.shared.example of /lists/a.txt'],
    // The configuration's own names before its lists.
    ['www.deep.example.com', 'china', '*.deep.example.com of the configuration'],
    ['www.tie.example', 'china', 'www.tie.example of the configuration'],
    ['a.own.cn', 'foreign', '*.own.cn of the configuration'],
    ['shared.example', 'foreign', '*.shared.example of /lists/a.txt'],
    ['a.x.more.example.com', 'foreign', '*.x.more.example.com of /lists/a.txt'],
    ['y.more.example.com', 'china', '*.more.example.com of /lists/a.txt'],
    ['a.cdn.shared.example', 'china', '*.cdn.shared.example of /lists/a.txt'],
    ['tie.example', 'foreign', '*.tie.example of /lists/a.txt'],
    // The configuration's lists before the built-in names, whichever is more specific.
    ['www.youtube.com', 'china', '*.youtube.com of /lists/a.txt'],
    ['www.baidu.com', 'foreign', '*.baidu.com of /lists/a.txt'],
    ['www.facebook.com', 'foreign', '*.facebook.com of built in'],
    ['weibo.com', 'china', '*.weibo.com of built in'],
    ['any.cn', 'china', '*.cn of built in'],
    // A list's exception takes it from the built-in list of its kind, too.
    ['www.google.com', 'unknown', 'in no list'],
    ['mail.google.com', 'foreign', '*.google.com of built in'],
    ['example.org', 'unknown', 'in no list'],
    ['', 'unknown', 'in no list'],
    // Local before all.
    ['1x.corp', 'local', '*.corp'],
    ['printer', 'local', 'a single label'],
    ['wiki.office.example', 'local', '*.office.example'],
    ['branch.example', 'local', '*.branch.example'],
    ['postoffice.example', 'unknown', 'in no list'],
  ] as const)('%s: %s', (name, kind, why) => {
    const found = kindOf(known, name);
    expect([found.kind, explainKind(known, name, found)]).toEqual([kind, why]);
  });
});
