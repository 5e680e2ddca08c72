/** A start right after a kill, while the guardian of the killed one is at work: whoever is overtaken at whatever call. */
import { expect, test } from 'bun:test';
import type { MacProcess, NumberedCall } from '../../lab/mac/fake_mac.ts';
import { connecting, endpoint, PfStage, PLAN, PORT, reaches } from '../../lab/mac/pf_stage.ts';

const ABROAD = connecting(endpoint('193.0.6.139', 443));
/** Of the process that was killed. */
const OWNER = 77;

/** Somebody was killed with the rules in. */
async function left(): Promise<PfStage> {
  const stage = new PfStage();
  await stage.begin().redirect.apply(PLAN);
  stage.disown(OWNER);
  return stage;
}

/** Stops a process at a call, until it is let go on. */
function holding(at: number) {
  const held = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  const hold = ({ number }: NumberedCall) => {
    if (number !== at) return undefined;
    held.resolve();
    return free.promise;
  };
  return { hold, held: held.promise, letGo: () => free.resolve() };
}

/** In the end redirected, at the latest by the next look; and after that as before. */
async function check(stage: PfStage, { redirect }: ReturnType<PfStage['begin']>): Promise<void> {
  await redirect.verify();
  expect(reaches(stage.mac, ABROAD)).toBe(PORT);
  await redirect.remove();
  expect(stage.mac.held()).toEqual(stage.before);
}

test('a start that overtakes the guardian', async () => {
  const guarding = async (stage: PfStage, guardian: MacProcess) => stage.guard(guardian, OWNER);
  using measured = await left();
  const whole = measured.mac.process();
  await guarding(measured, whole);
  expect(measured.mac.held()).toEqual(measured.before);
  expect(whole.calls).toBeGreaterThanOrEqual(10);
  await Promise.all(
    Array.from({ length: whole.calls }, async (_, i) => {
      using stage = await left();
      const { hold, held, letGo } = holding(i + 1);
      const work = guarding(stage, stage.mac.process({ hold }));
      await Promise.race([held, work]);
      const next = stage.begin();
      await next.redirect.apply(PLAN);
      letGo();
      await work;
      await check(stage, next);
    }),
  );
});

test('a guardian that overtakes a start', async () => {
  using measured = await left();
  const whole = measured.begin();
  await whole.redirect.apply(PLAN);
  expect(whole.process.calls).toBeGreaterThanOrEqual(15);
  await Promise.all(
    Array.from({ length: whole.process.calls }, async (_, i) => {
      using stage = await left();
      const { hold, held, letGo } = holding(i + 1);
      const next = stage.begin({ hold });
      const work = next.redirect.apply(PLAN);
      await Promise.race([held, work]);
      await stage.guard(stage.mac.process(), OWNER);
      letGo();
      await work;
      expect(reaches(stage.mac, ABROAD)).toBe(PORT);
      await check(stage, next);
    }),
  );
});
