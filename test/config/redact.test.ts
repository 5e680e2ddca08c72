import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { loadText } from '../../src/config/load.ts';
import { REDACTED, withoutLinks } from '../../src/config/links.ts';
import { effective, redacted } from '../../src/config/redact.ts';

const FILE = {
  upstream: { type: 'shadowsocks', server: 'h.example', port: 1, method: 'aes-128-gcm', password: 'hunter2' },
  listen: { port: 2 },
  scope: 'global',
  bypass: ['10.0.0.0/8', '2001:db8::/32', 'a.example'],
  redirect: { mechanism: 'iptables', gid: 7 },
  timeouts: { dial: '1s', idle: '2h', 'half-closed': '90s', 'first-data': '0ms' },
  aead: 'noble',
  'max-connections': 9,
  log: { level: 'debug' },
};

const load = (file: object) => loadText({ name: 'f', text: JSON.stringify(file) }).config;

describe('effective', () => {
  test('is the file again, but for the password', () => {
    const shown = effective(load(FILE));
    expect(shown).toEqual({ ...FILE, upstream: { ...FILE.upstream, password: REDACTED } });
  });

  test('can be loaded again, and then says the same', () => {
    const shown = effective(load(FILE));
    expect(effective(load(shown))).toEqual(shown);
  });
});

describe('redacted', () => {
  test.each([
    { name: 'a key that the schema does not know', value: { token: 'hunter2' } },
    { name: 'such a key deeper down', value: { upstream: { server: 'h', 'obfs-password': 'hunter2' } } },
    { name: 'a share link', value: { upstream: 'ss://aes-128-gcm:hunter2@h:1' } },
    { name: 'an object of a class', value: { scope: new (class Key { key = 'hunter2'; })() } },
    { name: 'a list where the schema has none', value: { scope: ['hunter2'] } },
  ])('hides $name', ({ value }) => {
    expect(JSON.stringify(redacted(value))).not.toContain('hunter2');
    expect(JSON.stringify(redacted(value))).toContain(REDACTED);
  }); // prettier-ignore

  test('shows nothing of unknown keys, whatever is in them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(redacted({ unknown: value })).toEqual({ unknown: REDACTED });
      }),
    );
  });
});

test('withoutLinks leaves the scheme of a link, and paths of a stack as they are', () => {
  expect(withoutLinks('at x (file:///a/b.ts:1:2)\nURL ss://aes:hunter2 3@h:1')).toBe(
    `at x (file:///a/b.ts:1:2)\nURL ss://${REDACTED}`,
  );
});
