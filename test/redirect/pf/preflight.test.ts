import { describe, expect, test } from 'bun:test';
import { RunError } from '../../../src/base/runner.ts';
import { describeFacts, gatherFacts, judge, type Facts } from '../../../src/redirect/pf/preflight.ts';
import {
  INFO_DISABLED,
  INFO_ENABLED,
  LOOPBACK_LOOKED_AT,
  LOOPBACK_SKIPPED,
  NOTICES,
  SHARING_FILTER,
  SHARING_TRANSLATION,
  STOCK_FILTER,
  STOCK_TRANSLATION,
} from './recorded.ts';
import { says } from './says.ts';

const STOCK: Facts = {
  version: '15.6.1',
  enabled: false,
  main: { asksUs: true, sharing: false, ahead: [], blocks: [] },
  loopbackSkipped: false,
};

const answering = (more: Readonly<Record<string, string>>) => {
  const stdout: Readonly<Record<string, string>> = {
    'pfctl -s info': INFO_DISABLED,
    'pfctl -sn': STOCK_TRANSLATION,
    'pfctl -sr': STOCK_FILTER,
    'pfctl -s Interfaces -i lo0 -v': LOOPBACK_LOOKED_AT,
    'sw_vers -productVersion': '15.6.1\n',
    ...more,
  };
  return says((command) => ({ stdout: stdout[command]!, stderr: NOTICES }));
};

describe('gatherFacts()', () => {
  test('of macOS as it comes', async () => {
    expect(await gatherFacts(answering({}))).toEqual(STOCK);
  });

  test('with Internet Sharing on', async () => {
    const facts = await gatherFacts(
      answering({
        'pfctl -s info': INFO_ENABLED,
        'pfctl -sn': SHARING_TRANSLATION,
        'pfctl -sr': SHARING_FILTER,
        'pfctl -s Interfaces -i lo0 -v': LOOPBACK_SKIPPED,
      }),
    );
    expect(facts).toEqual({
      ...STOCK,
      enabled: true,
      main: { asksUs: true, sharing: true, ahead: [], blocks: [] },
      loopbackSkipped: true,
    });
  });

  test('does without the version of macOS', async () => {
    expect((await gatherFacts(answering({ 'sw_vers -productVersion': 'what?\n' }))).version).toBeUndefined();
    const stock = answering({});
    const without = {
      ...stock,
      run: (argv: readonly string[]) =>
        argv[0] === 'sw_vers' ? Promise.reject(new RunError('ERR_RUN_MISSING', '')) : stock.run(argv),
    };
    expect((await gatherFacts(without)).version).toBeUndefined();
  });

  test('asks once where it may not', async () => {
    const runner = says(() => ({ code: 1, stderr: 'pfctl: /dev/pf: Permission denied\n' }));
    const error: unknown = await gatherFacts(runner).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 'ERR_REDIRECT_PERMISSION' });
    expect(runner.calls).toEqual(['pfctl -s info']);
  });
});

describe('judge()', () => {
  test('has nothing against macOS as it comes, of any version from the oldest on', () => {
    for (const version of [undefined, '13.0', '14.7.2', '26.5.2'])
      expect(judge({ ...STOCK, version })).toEqual([]);
  });

  test.each(['12.7.6', '11.7', '10.15.7'])('refuses macOS %s, and names the oldest', (version) => {
    expect(judge({ ...STOCK, version })).toMatchObject([
      {
        status: 'ERR_REDIRECT_UNSUPPORTED',
        message: `this is macOS ${version}; the oldest that snet supports is macOS 13`,
        mendable: false,
      },
    ]);
  });

  test('explains a main ruleset that does not ask us, and a loopback that is skipped', () => {
    const problems = judge({ ...STOCK, main: { ...STOCK.main, asksUs: false }, loopbackSkipped: true });
    expect(problems).toMatchObject([
      { status: 'ERR_REDIRECT_INEFFECTIVE', mendable: true },
      { status: 'ERR_REDIRECT_INEFFECTIVE', mendable: true },
    ]);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('no anchors "com.apple/*"'),
      expect.stringContaining('some VPN applications'),
    ]);
    for (const { hint } of problems) {
      expect(hint).toContain('sudo pfctl -f /etc/pf.conf');
      expect(hint).toContain('reload-pf-conf');
      expect(hint).toContain('are lost');
    }
  });

  test('names Internet Sharing where that is why', () => {
    const [problem] = judge({ ...STOCK, main: { ...STOCK.main, sharing: true }, loopbackSkipped: true });
    expect(problem?.message).toContain(
      'Internet Sharing or the network of virtual machines sets that, and is on',
    );
  });

  test('has nothing against Internet Sharing by itself', () => {
    expect(judge({ ...STOCK, main: { ...STOCK.main, sharing: true } })).toEqual([]);
  });
});

test('describeFacts() puts all that stands out on one line', () => {
  expect(describeFacts(STOCK)).toBe('macOS 15.6.1, pf is off');
  expect(
    describeFacts({
      version: undefined,
      enabled: true,
      main: {
        asksUs: false,
        sharing: true,
        ahead: ['anchor "mullvad" all', 'block drop in all'],
        blocks: [],
      },
      loopbackSkipped: true,
    }),
  ).toBe(
    'macOS of unknown version, pf is on, the main ruleset has no anchors "com.apple/*", lo0 is skipped, Internet Sharing or a network of virtual machines is on, before ours come other filter rules (2), the first being anchor "mullvad" all',
  );
});
