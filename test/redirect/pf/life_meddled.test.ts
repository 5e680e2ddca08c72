/**
 * Others change pf under us, at any moment: what can be mended is, the rest is told, and in the end the Mac is as it would be
 * had only they been there.
 */
import { describe, expect, test } from 'bun:test';
import { silent, type Log } from '../../../src/base/log.ts';
import { reboot, replaceMainRuleset, turnSharingOn, type MacState } from '../../lab/mac/mac_state.ts';
import { fateOf, flush, loadSystemRules, stop } from '../../lab/mac/pf_kernel.ts';
import { connecting, endpoint, PfStage, PLAN, PORT, reaches } from '../../lab/mac/pf_stage.ts';

const ABROAD = connecting(endpoint('193.0.6.139', 443));
const ABROAD_V6 = connecting(endpoint('2001:67c:2e8:22::1', 443));

type Meddling = (state: MacState) => void;

const turnOff: Meddling = (state) => {
  if (state.pf.isOn) stop(state);
};
const takeOver: Meddling = (state) => {
  turnOff(state);
  state.pf.isOn = true;
  state.pf.references.push({ token: '9084387343160548126', pid: 77, program: 'vpn' });
};

/** What verify() puts right. */
const MENDABLE: Readonly<Record<string, Meddling>> = {
  'turns pf off': turnOff,
  'turns pf off and on again': takeOver,
  'flushes our anchor': (state) => void flush(state, 'com.apple/snet', true),
  'flushes all anchors': (state) => {
    for (const path of Object.keys(state.pf.anchors)) flush(state, path, true);
  },
  'loads /etc/pf.conf': loadSystemRules,
  'turns Internet Sharing on': turnSharingOn,
  'sets the sysctl': ({ sysctls }) => void (sysctls['net.inet.tcp.tso'] = '1'),
};

/** What it may not put right by itself. */
const TOLD: Readonly<Record<string, Meddling>> = {
  'replaces the main ruleset': (state) => replaceMainRuleset(state),
  'has lo0 skipped': ({ pf }) => void pf.skipped.push('lo0'),
};

/** What is held by a Mac that only they have been on. */
function heldAfter(...meddlings: readonly Meddling[]): unknown {
  using stage = new PfStage((state) => {
    for (const meddle of meddlings) meddle(state);
  });
  return stage.before;
}

/** Collects what is said at one level. */
function collecting(level: 'error' | 'warn'): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  return { log: { ...silent, [level]: (message: string) => void said.push(message) }, said };
}

describe.each(Object.keys(MENDABLE))('somebody who %s', (what) => {
  const meddle = MENDABLE[what]!;

  test('is put right by verify()', async () => {
    using stage = new PfStage();
    const { redirect } = stage.begin();
    await redirect.apply(PLAN);
    stage.mac.change(meddle);
    await redirect.verify();
    expect([reaches(stage.mac, ABROAD), reaches(stage.mac, ABROAD_V6)]).toEqual([PORT, PORT]);
    expect(stage.mac.state.sysctls['net.inet.tcp.tso']).toBe('0');
    await redirect.remove();
    expect(stage.mac.held()).toEqual(heldAfter(meddle));
  });

  test('is put right by the next look of the watchdog', async () => {
    using stage = new PfStage();
    const { redirect, clock } = stage.begin();
    await redirect.apply(PLAN);
    stage.mac.change(meddle);
    await clock.pass(30_000);
    // Comes behind the look.
    await redirect.update(PLAN);
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(heldAfter(meddle));
  });

  test('right before any call leaves nothing of ours behind', async () => {
    using measured = new PfStage();
    const whole = measured.begin();
    await whole.redirect.apply(PLAN);
    await whole.redirect.verify();
    await whole.redirect.remove();
    const places = Array.from({ length: whole.process.calls }, (_, i) => i + 1);
    await Promise.all(
      places.map(async (place) => {
        using stage = new PfStage();
        const { redirect } = stage.begin({
          fault({ number }) {
            if (number === place) stage.mac.change(meddle);
            return undefined;
          },
        });
        await redirect.apply(PLAN).catch(() => {});
        await redirect.verify();
        await redirect.remove();
        expect({ place, held: stage.mac.held() }).toEqual({ place, held: heldAfter(meddle) });
      }),
    );
  });

  test('and a death at any call of what puts it right: the guardian leaves nothing of ours behind', async () => {
    const verifying = async (stage: PfStage, at: number) => {
      let from = Number.POSITIVE_INFINITY;
      const life = stage.begin({ fault: ({ number }) => (number === from + at ? 'dies after' : undefined) });
      await life.redirect.apply(PLAN);
      stage.mac.change(meddle);
      from = life.process.calls;
      await Promise.race([life.redirect.verify(), life.process.died]);
      return life.process.calls - from;
    };
    using measured = new PfStage();
    const places = await verifying(measured, 0);
    await Promise.all(
      Array.from({ length: places }, async (_, i) => {
        using stage = new PfStage();
        await verifying(stage, i + 1);
        await stage.guard();
        expect({ at: i + 1, held: stage.mac.held() }).toEqual({ at: i + 1, held: heldAfter(meddle) });
      }),
    );
  });
});

describe.each(Object.keys(TOLD))('somebody who %s', (what) => {
  const meddle = TOLD[what]!;

  test('is told of once, and again if it comes again', async () => {
    using stage = new PfStage();
    const { log, said } = collecting('error');
    const { redirect } = stage.begin({ log });
    const told = () => said.filter((line) => line.includes('another program has changed pf')).length;
    await redirect.apply(PLAN);
    stage.mac.change(meddle);
    await redirect.verify();
    await redirect.verify();
    expect(told()).toBe(1);
    stage.mac.change(loadSystemRules);
    await redirect.verify();
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    stage.mac.change(meddle);
    await redirect.verify();
    expect(told()).toBe(2);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(heldAfter(meddle));
  });

  test('is put right where that is wanted', async () => {
    using stage = new PfStage();
    const { redirect } = stage.begin({ reloadPfConf: true });
    await redirect.apply(PLAN);
    stage.mac.change(meddle);
    await redirect.verify();
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(stage.before);
  });

  test('was there before us: is put right at the start where that is wanted', async () => {
    using stage = new PfStage(meddle);
    const { log, said } = collecting('warn');
    const { redirect } = stage.begin({ reloadPfConf: true, log });
    await redirect.apply(PLAN);
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    expect(said).toEqual([expect.stringMatching(/^loading \/etc\/pf.conf anew, as configured/)]);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(heldAfter(meddle, loadSystemRules));
  });
});

describe('a reboot', () => {
  test('leaves nothing to be undone, and what others set since alone', async () => {
    using stage = new PfStage();
    const { redirect } = stage.begin();
    await redirect.apply(PLAN);
    stage.mac.change((state) => {
      reboot(state);
      state.sysctls['net.inet.tcp.tso'] = '0';
    });
    const after = stage.mac.held();
    await stage.clean();
    expect(stage.mac.held()).toEqual(after);
  });

  test('and a token of the same number leave that alone', async () => {
    using stage = new PfStage();
    const { redirect } = stage.begin();
    await redirect.apply(PLAN);
    const [ours] = stage.mac.state.pf.references;
    stage.mac.change((state) => {
      reboot(state);
      state.pf.isOn = true;
      state.pf.references.push({ ...ours!, program: 'vpn' });
    });
    const after = stage.mac.held();
    const again = stage.begin();
    await again.redirect.apply(PLAN);
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    await again.redirect.remove();
    expect(stage.mac.held()).toEqual(after);
  });
});

describe('IPv6 that does not come to us', () => {
  test.each([
    ['block', 'blocked'],
    ['direct', 'passed'],
  ] as const)('is treated as told: %s', async (ipv6Fallback, fate) => {
    using stage = new PfStage();
    const { log, said } = collecting('warn');
    const { redirect } = stage.begin({ ipv6Fallback, deaf: [6], log });
    await redirect.apply(PLAN);
    expect(reaches(stage.mac, ABROAD)).toBe(PORT);
    expect(fateOf(stage.mac.state, ABROAD_V6).what).toBe(fate);
    expect(said).toEqual([expect.stringContaining('pf does not bring us IPv6 here')]);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(stage.before);
  });

  test('and IPv4 neither: is an error, and all is undone', async () => {
    using stage = new PfStage();
    const { redirect } = stage.begin({ deaf: [4, 6] });
    expect(await redirect.apply(PLAN).catch((error: unknown) => error)).toMatchObject({
      status: 'ERR_REDIRECT_INEFFECTIVE',
    });
    expect(stage.mac.held()).toEqual(stage.before);
  });
});
