import { describe, expect, test } from 'bun:test';
import { SnetError } from '../../src/base/errors.ts';
import { line } from '../../src/base/log.ts';
import { fixedAtStart } from '../../src/app/reload.ts';
import { whyNot } from '../../src/app/why_not.ts';
import { ConfigError } from '../../src/config/error.ts';
import { loadText } from '../../src/config/load.ts';

const load = (file: object) =>
  loadText({ name: 'f', text: JSON.stringify({ upstream: 'ss://aes-128-gcm:x@192.0.2.1:1', ...file }) })
    .config;

describe('what a reload cannot change', () => {
  test.each<[string[], object, object]>([
    [[], {}, {}],
    [[], { scope: 'global' }, { scope: 'bypass-cn' }],
    [[], { dns: { china: ['192.0.2.1'] } }, { dns: { china: ['192.0.2.2'], block: ['a.example'] } }],
    [[], { dns: false }, { dns: false }],
    [['listen.port'], { listen: { port: 2 } }, {}],
    [['redirect.gid', 'redirect.mechanism'], {}, { redirect: { gid: 5, mechanism: 'iptables' } }],
    [['max-connections'], {}, { 'max-connections': 5 }],
    [['dns'], {}, { dns: false }],
    [['dns'], { dns: false }, { dns: { port: 5 } }],
    [['dns.port'], {}, { dns: { port: 5 } }],
    [['dns.cache'], {}, { dns: { cache: { size: '1MiB' } } }],
  ])('is %j', (keys, running, next) => {
    expect(fixedAtStart(load(running), load(next))).toEqual(keys);
  });
});

describe('why a configuration was not taken is one line', () => {
  const problem = { where: 'f:1:2', key: 'scope', found: '"x"', expected: 'one of a, b' };
  const other = { where: 'f:2:2', key: 'port', found: '0', expected: 'a port' };

  test('of a mistake with a hint', () => {
    expect(
      line('no', whyNot(new ConfigError('ERR_CONFIG_VALUE', [{ ...problem, hint: 'did you mean a?' }]))),
    ).toBe(
      'no status=ERR_CONFIG_VALUE reason="f:1:2: scope: found \\"x\\", expected one of a, b" hint="did you mean a?"',
    );
  });

  test('of several', () => {
    const problems = [
      { ...problem, hint: 'this' },
      other,
      { ...other, hint: 'that' },
      { ...other, hint: 'this' },
    ];
    const { reason, hint } = whyNot(new ConfigError('ERR_CONFIG_VALUE', problems));
    expect(reason).toStartWith(
      'f:1:2: scope: found "x", expected one of a, b; f:2:2: port: found 0, expected a port; ',
    );
    expect(hint).toBe('this; that');
    expect(whyNot(new ConfigError('ERR_CONFIG_VALUE', [other])).hint).toBeUndefined();
  });

  test("of another layer's error, and of a fault", () => {
    const cause = new Error('ENOTFOUND');
    expect(whyNot(new SnetError('ERR_RESOLVE', 'no address', { cause, hint: 'look' }))).toEqual({
      status: 'ERR_RESOLVE',
      reason: 'no address: ENOTFOUND',
      hint: 'look',
    });
    expect(whyNot(new TypeError('x'))).toEqual({ status: 'ERR_INTERNAL', reason: 'x' });
  });
});
