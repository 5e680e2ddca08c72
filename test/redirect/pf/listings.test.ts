import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  hasRules,
  isEnabledIn,
  isSkippedIn,
  mainRulesetIn,
  referencesIn,
  tokenIn,
} from '../../../src/redirect/pf/listings.ts';
import {
  ENABLED,
  INFO_DISABLED,
  INFO_ENABLED,
  LOOPBACK_LOOKED_AT,
  LOOPBACK_SKIPPED,
  NO_REFERENCES,
  NOTICES,
  SHARING_FILTER,
  SHARING_TRANSLATION,
  STOCK_FILTER,
  STOCK_TRANSLATION,
  TWO_REFERENCES,
} from './recorded.ts';

describe('tokenIn()', () => {
  test('keeps every digit', () => {
    expect(tokenIn(NOTICES + ENABLED)).toBe('11012949885072952621');
  });

  test.each(['', 'pf enabled\n', 'Token : \n', 'Token : 1 2\n', 'Token : -1\n', 'Token : 999 ; true\n'])(
    'finds none in %j',
    (text) => expect(tokenIn(text)).toBeUndefined(),
  );

  test('finds the number that was put there', () => {
    const number = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(number, (token) => expect(tokenIn(`pf enabled\nToken : ${token}\n`)).toBe(`${token}`)),
    );
  });
});

test('isEnabledIn() knows on, off and neither', () => {
  expect(isEnabledIn(INFO_ENABLED)).toBe(true);
  expect(isEnabledIn(INFO_DISABLED)).toBe(false);
  expect(isEnabledIn('')).toBeUndefined();
});

test('isSkippedIn() means this interface', () => {
  expect(isSkippedIn(LOOPBACK_SKIPPED, 'lo0')).toBe(true);
  expect(isSkippedIn(LOOPBACK_LOOKED_AT, 'lo0')).toBe(false);
  expect(isSkippedIn('ALL\nawdl0 (skip)\nlo0\nlo01 (skip)\n', 'lo0')).toBe(false);
});

describe('referencesIn()', () => {
  test('reads who holds them, and since when', () => {
    expect(referencesIn(TWO_REFERENCES)).toEqual([
      { token: '9084387343160548126', age: 0, program: 'pfctl' },
      { token: '15053025338191571182', age: 86_466, program: 'pfctl' },
    ]);
    expect(referencesIn(NO_REFERENCES)).toEqual([]);
  });

  test('takes a name of several words', () => {
    const row = '77       Internet Sharing             1                        2 days 01:00:05\n';
    expect(referencesIn(TWO_REFERENCES + row)?.at(-1)).toEqual({
      token: '1',
      age: 176_405,
      program: 'Internet Sharing',
    });
  });

  test.each(['', NOTICES, `${TWO_REFERENCES}something else\n`])('does not guess: %j', (text) => {
    expect(referencesIn(text)).toBeUndefined();
  });

  test('throws at nothing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void referencesIn(`TOKENS:\n${text}`)));
  });
});

describe('mainRulesetIn()', () => {
  const stock = { asksUs: true, sharing: false, ahead: [], blocks: [] };

  test('of macOS as it comes', () => {
    expect(mainRulesetIn(STOCK_TRANSLATION, STOCK_FILTER)).toEqual(stock);
  });

  test('with Internet Sharing on', () => {
    expect(mainRulesetIn(SHARING_TRANSLATION, SHARING_FILTER)).toEqual({ ...stock, sharing: true });
  });

  test('with the anchors of Internet Sharing alone: those have another name', () => {
    const only = (text: string) => text.replaceAll(/.*"com\.apple\/\*".*\n/g, '');
    expect(mainRulesetIn(only(SHARING_TRANSLATION), only(SHARING_FILTER)).asksUs).toBe(false);
  });

  test('with half of what it takes', () => {
    expect(mainRulesetIn('', STOCK_FILTER).asksUs).toBe(false);
    expect(mainRulesetIn(STOCK_TRANSLATION, '').asksUs).toBe(false);
    expect(mainRulesetIn('nat-anchor "com.apple/*" all\n', STOCK_FILTER).asksUs).toBe(false);
    expect(mainRulesetIn(STOCK_TRANSLATION, 'scrub-anchor "com.apple/*" all\n').asksUs).toBe(false);
  });

  test('tells what comes before us', () => {
    const filter = `anchor "mullvad" all\nblock drop in all\n${STOCK_FILTER}pass in all\nblock return out proto tcp all port = 25\n`;
    expect(mainRulesetIn(STOCK_TRANSLATION, filter)).toEqual({
      ...stock,
      ahead: ['anchor "mullvad" all', 'block drop in all'],
      blocks: ['block drop in all', 'block return out proto tcp all port = 25'],
    });
  });
});

test('hasRules() takes no notice for a rule', () => {
  expect(hasRules(NOTICES)).toBe(false);
  expect(hasRules('pfctl: DIOCGETRULES: Invalid argument\n')).toBe(false);
  expect(hasRules('no rdr on lo0 inet proto tcp from any to 127.0.0.0/8\n')).toBe(true);
  expect(hasRules('rdr pass on lo0 inet proto tcp all -> 127.0.0.1 port 1111\n')).toBe(true);
  expect(hasRules('pass out quick proto tcp all group = 7777 flags S/SA keep state\n')).toBe(true);
});
