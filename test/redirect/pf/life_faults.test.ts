/** Every call fails at every place, in every way: what is begun is finished or undone, and the end is as before. */
import { describe, expect, test } from 'bun:test';
import type { RedirectError } from '../../../src/redirect/redirect.ts';
import type { Fault } from '../../lab/mac/fake_mac.ts';
import type { MacState } from '../../lab/mac/mac_state.ts';
import {
  connecting,
  endpoint,
  NEXT,
  PfStage,
  PLAN,
  PORT,
  reaches,
  type Life,
} from '../../lab/mac/pf_stage.ts';
import { failure } from '../failure.ts';

const FAULTS: readonly Fault[] = ['failed', 'lost', 'timed out', 'missing'];
const ABROAD = connecting(endpoint('193.0.6.139', 443));
const CHINA = connecting(endpoint('223.5.5.5', 443));

/** Does something on a Mac of its own whose call at one place fails, for every place that it has. */
async function atEveryCall(
  fault: Fault,
  story: (
    stage: PfStage,
    life: Life,
    crucial: (part: () => Promise<void>) => Promise<RedirectError | undefined>,
  ) => Promise<void>,
): Promise<number> {
  /** @returns how many calls the crucial part made */
  const tell = async (place: number): Promise<number> => {
    using stage = new PfStage();
    let from = Number.POSITIVE_INFINITY;
    let to = Number.POSITIVE_INFINITY;
    const life = stage.begin({
      fault: ({ number }) => (number === from + place && number <= to ? fault : undefined),
    });
    await story(stage, life, async (part) => {
      from = life.process.calls;
      const error = await failure(part());
      to = life.process.calls;
      return error;
    });
    return to - from;
  };
  const places = await tell(0);
  await Promise.all(Array.from({ length: places }, (_, i) => tell(i + 1)));
  return places;
}

describe.each([...FAULTS])('one call that is %s', (fault) => {
  test('leaves apply() done or undone', async () => {
    const outcomes = { done: 0, undone: 0 };
    const places = await atEveryCall(fault, async (stage, life, crucial) => {
      const error = await crucial(() => life.redirect.apply(PLAN));
      if (error === undefined) {
        expect(reaches(stage.mac, ABROAD)).toBe(PORT);
        await life.redirect.remove();
        outcomes.done++;
      } else {
        outcomes.undone++;
      }
      expect(stage.mac.held()).toEqual(stage.before);
    });
    expect(places).toBeGreaterThanOrEqual(12);
    expect(outcomes.undone).toBeGreaterThanOrEqual(6);
  });

  test('leaves the old ranges in force in update(), or has the new ones', async () => {
    const places = await atEveryCall(fault, async (stage, { redirect }, crucial) => {
      await redirect.apply(PLAN);
      const error = await crucial(() => redirect.update(NEXT));
      if (error === undefined || fault === 'lost' || fault === 'timed out')
        expect([reaches(stage.mac, ABROAD), reaches(stage.mac, CHINA)]).toEqual([PORT, undefined]);
      else expect([reaches(stage.mac, ABROAD), reaches(stage.mac, CHINA)]).toEqual([PORT, PORT]);
      await redirect.update(NEXT);
      expect(reaches(stage.mac, CHINA)).toBeUndefined();
      await redirect.remove();
      expect(stage.mac.held()).toEqual(stage.before);
    });
    expect(places).toBe(1);
  });

  test('does not keep verify() from mending in the end, nor remove() from its end', async () => {
    const places = await atEveryCall(fault, async (stage, { redirect, guardians }, crucial) => {
      await redirect.apply(PLAN);
      stage.mac.change(({ pf }) => void delete pf.anchors['com.apple/snet']);
      expect(await crucial(() => redirect.verify())).toBeUndefined();
      await redirect.verify();
      expect(reaches(stage.mac, ABROAD)).toBe(PORT);
      await redirect.remove();
      expect(stage.mac.held()).toEqual(stage.before);
      expect(guardians.ends).toEqual(['dismissed']);
    });
    expect(places).toBeGreaterThanOrEqual(8);
  });

  test('does not keep remove() from its end, or leaves the guardian at its post', async () => {
    const places = await atEveryCall(fault, async (stage, { redirect, guardians }, crucial) => {
      await redirect.apply(PLAN);
      const error = await crucial(() => redirect.remove());
      if (error) {
        expect(guardians.ends).toEqual([undefined]);
        await stage.guard();
      } else {
        expect(guardians.ends).toEqual(['dismissed']);
      }
      expect(stage.mac.held()).toEqual(stage.before);
    });
    expect(places).toBeGreaterThanOrEqual(6);
  });
});

describe('a Mac on which it can not be', () => {
  test.each<[string, (state: MacState) => void, object]>([
    [
      'not root',
      (state) => void (state.isRoot = false),
      { status: 'ERR_REDIRECT_PERMISSION', hint: expect.stringContaining('sudo') },
    ],
    [
      'root, and refused all the same',
      (state) => void (state.refusal = 'pfctl: /dev/pf: Operation not permitted'),
      { status: 'ERR_REDIRECT_PERMISSION', hint: expect.stringContaining('profile') },
    ],
    [
      'without pf',
      (state) => void (state.refusal = 'pfctl: /dev/pf: No such file or directory'),
      { status: 'ERR_REDIRECT_UNSUPPORTED' },
    ],
    [
      'of old',
      (state) => void (state.version = '12.7.6'),
      {
        status: 'ERR_REDIRECT_UNSUPPORTED',
        message: 'this is macOS 12.7.6; the oldest that snet supports is macOS 13',
      },
    ],
    [
      'whose main ruleset is another’s',
      ({ pf }) => void (pf.main.text = 'pass out all\n'),
      { status: 'ERR_REDIRECT_INEFFECTIVE', hint: expect.stringContaining('sudo pfctl -f /etc/pf.conf') },
    ],
    [
      'whose lo0 is skipped',
      ({ pf }) => void pf.skipped.push('lo0'),
      { status: 'ERR_REDIRECT_INEFFECTIVE', message: expect.stringContaining('pf skips lo0') },
    ],
    [
      'where others’ rules come first',
      ({ pf }) =>
        void (pf.main.text = 'rdr-anchor "com.apple/*"\npass out quick all\nanchor "com.apple/*"\n'),
      { status: 'ERR_REDIRECT_INEFFECTIVE', message: expect.stringContaining('did not come to us') },
    ],
  ])('%s: is told so, and is as before', async (_, change, expected) => {
    using stage = new PfStage(change);
    const { redirect, guardians } = stage.begin();
    expect(await failure(redirect.apply(PLAN))).toMatchObject(expected);
    expect(stage.mac.held()).toEqual(stage.before);
    expect(guardians.ends.filter((ended) => ended === undefined)).toEqual([]);
    await redirect.remove();
    expect(stage.mac.held()).toEqual(stage.before);
  });
});
