/** However a life ends, and at whatever call of it: afterwards the Mac is as it was before. */
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { turnSharingOn, type MacState } from '../../lab/mac/mac_state.ts';
import { stopReference } from '../../lab/mac/pf_kernel.ts';
import {
  connecting,
  endpoint,
  GID,
  NEXT,
  PfStage,
  PLAN,
  PORT,
  reaches,
  type Life,
} from '../../lab/mac/pf_stage.ts';
import type { Fault } from '../../lab/mac/fake_mac.ts';

/** How a Mac may be when we come. */
const MACS: Readonly<Record<string, (state: MacState) => void>> = {
  'that has just booted': () => {},
  'whose pf two others want on': ({ pf }) => {
    pf.isOn = true;
    pf.references.push(
      { token: '9084387343160548126', pid: 391, program: 'pfctl' },
      { token: '15053025338191571182', pid: 402, program: 'socketfilterfw' },
    );
  },
  'whose pf was turned on by -e': ({ pf }) => {
    pf.isOn = true;
    pf.nameless = 1;
  },
  'with Internet Sharing on': turnSharingOn,
  'that cuts its segments itself': ({ sysctls }) => void (sysctls['net.inet.tcp.tso'] = '0'),
};

/** A whole life, once. */
async function wholeLife({ redirect }: Life): Promise<void> {
  await redirect.apply(PLAN);
  await redirect.update(NEXT);
  await redirect.verify();
  await redirect.remove();
}

describe.each(Object.keys(MACS))('a Mac %s', (name) => {
  test('is redirected, and then as before', async () => {
    using stage = new PfStage(MACS[name]);
    const life = stage.begin();
    const abroad = connecting(endpoint('193.0.6.139', 443));
    const china = connecting(endpoint('223.5.5.5', 443));
    await life.redirect.apply(PLAN);
    expect([reaches(stage.mac, abroad), reaches(stage.mac, china)]).toEqual([PORT, PORT]);
    expect(reaches(stage.mac, connecting(endpoint('2001:67c:2e8:22::1', 443)))).toBe(PORT);
    expect(reaches(stage.mac, connecting(endpoint('10.0.0.1', 53), { protocol: 'udp' }))).toBe(PLAN.dns);
    expect(reaches(stage.mac, connecting(endpoint('10.0.0.1', 443)))).toBeUndefined();
    expect(reaches(stage.mac, { ...abroad, group: GID })).toBeUndefined();
    expect(stage.mac.state.sysctls['net.inet.tcp.tso']).toBe('0');
    await life.redirect.update(NEXT);
    expect([reaches(stage.mac, abroad), reaches(stage.mac, china)]).toEqual([PORT, undefined]);
    await life.redirect.remove();
    expect(stage.mac.held()).toEqual(stage.before);
    expect(existsSync(stage.files.state)).toBe(false);
    expect(life.guardians.ends).toEqual(['dismissed']);
  });

  test.each(['its guardian', 'the next start and stop', 'clean'] as const)(
    'is as before by %s, whatever call we die at',
    async (by) => {
      const left = await atEveryDeath(name, async (stage) => {
        if (by === 'its guardian') await stage.guard();
        else if (by === 'clean') await stage.clean();
        else await wholeLife(stage.begin());
      });
      // Facts, rules, token, sysctl; and all of it back.
      expect(left).toBeGreaterThanOrEqual(2 * 25);
    },
  );
});

test('whoever is killed, and whatever undoes it is killed too: clean puts it right', async () => {
  const stages: Promise<void>[] = [];
  for (const first of [12, 16, 20, 24]) {
    for (let second = 1; second <= 8; second++) {
      stages.push(
        (async () => {
          using stage = new PfStage();
          await lifeThatDies(stage, 'dies after', first);
          const guardian = stage.mac.process({
            fault: ({ number }) => (number === second ? 'dies after' : undefined),
          });
          await Promise.race([stage.guard(guardian), guardian.died]);
          await stage.clean();
          expect(stage.mac.held()).toEqual(stage.before);
        })(),
      );
    }
  }
  await Promise.all(stages);
});

test('clean on a Mac that we have never been on changes nothing, and says so', async () => {
  using stage = new PfStage(turnSharingOn);
  expect(await stage.clean()).toEqual([]);
  expect(stage.mac.held()).toEqual(stage.before);
});

test('what others take and give back meanwhile stays theirs', async () => {
  using stage = new PfStage();
  const other = stage.mac.process();
  const { redirect } = stage.begin();
  await redirect.apply(PLAN);
  const [, token] = /Token : (\d+)/.exec((await other.run(['pfctl', '-E'])).stderr)!;
  await redirect.remove();
  expect(stage.mac.state.pf).toMatchObject({ isOn: true, references: [{ token }] });
  stage.mac.change((state) => void stopReference(state, token!));
  expect(stage.mac.held()).toEqual(stage.before);
});

/** @returns whether it came to die */
function lifeThatDies(stage: PfStage, fault: Fault, at: number): Promise<boolean> {
  const life = stage.begin({ fault: ({ number }) => (number === at ? fault : undefined) });
  return Promise.race([wholeLife(life).then(() => false), life.process.died.then(() => true)]);
}

/**
 * Lives until the first call, right before and right after it, then until the second, and so on; each on a Mac of its own.
 * After that `undo` is to have everything as it was.
 * @returns how many lives have ended early
 */
async function atEveryDeath(mac: string, undo: (stage: PfStage) => Promise<void>): Promise<number> {
  using measured = new PfStage(MACS[mac]);
  const whole = measured.begin();
  await wholeLife(whole);
  const ends = Array.from({ length: whole.process.calls }, (_, i) => i + 1).flatMap((at) =>
    (['dies before', 'dies after'] as const).map((fault) => ({ at, fault })),
  );
  await Promise.all(
    ends.map(async ({ at, fault }) => {
      using stage = new PfStage(MACS[mac]);
      expect(await lifeThatDies(stage, fault, at)).toBe(true);
      await undo(stage);
      expect({ at, fault, held: stage.mac.held() }).toEqual({ at, fault, held: stage.before });
      expect(existsSync(stage.files.state)).toBe(false);
    }),
  );
  return ends.length;
}
