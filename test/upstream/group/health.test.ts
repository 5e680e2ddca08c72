import { describe, expect, test } from 'bun:test';
import { createHealth, type Health } from '../../../src/upstream/group/health.ts';
import type { Result } from '../../../src/upstream/upstream.ts';
import { ANSWERED, FAILED, OPENED, SILENT } from '../results.ts';

const silentTo = (target: string) => ({ ...SILENT, target }) as Result;

function down(at = 0): Health {
  const health = createHealth(0);
  health.note(FAILED, at);
  expect(health.note(FAILED, at)).toBe(true);
  return health;
}

describe('the health of an upstream', () => {
  test('two failures in a row bring it down, not two with a success between', () => {
    const health = createHealth(0);
    health.note(FAILED, 0);
    health.note(OPENED, 1);
    expect(health.note(FAILED, 2)).toBe(false);
    expect(health.isUp).toBe(true);
    expect(health.note(FAILED, 3)).toBe(true);
    expect(health).toMatchObject({ isUp: false, since: 3, lastFailure: 'ERR_DIAL_REFUSED' });
  });

  test('of a chain it is known at which server it failed last', () => {
    const health = createHealth(0);
    health.note({ ...FAILED, hop: 'socks5 h:1' } as Result, 0);
    expect(health.lastHop).toBe('socks5 h:1');
    health.note({ ...SILENT, hop: 'http h:2 or tls h:3' } as Result, 0);
    expect(health.lastHop).toBe('http h:2 or tls h:3');
    health.note(FAILED, 0);
    expect(health.lastHop).toBeUndefined();
  });

  test('three silences in a row bring it down, though it opens every time', () => {
    const health = createHealth(0);
    const told = [SILENT, OPENED, SILENT, OPENED, SILENT].map((result) => health.note(result, 10_000));
    expect(told).toEqual([false, false, false, false, true]);
    expect(health.lastFailure).toBe('ERR_UPSTREAM_SILENT');
  });

  test('one target that is silent says nothing of the upstream, three do', () => {
    const health = createHealth(0);
    for (let i = 0; i < 9; i++) expect(health.note(silentTo('192.0.2.1'), 10_000)).toBe(false);
    expect(health.note(silentTo('192.0.2.2'), 10_000)).toBe(false);
    expect(health.note(silentTo('192.0.2.3'), 10_000)).toBe(true);
  });

  test('whatever is silent, an answer of the last ten seconds counts for more', () => {
    const health = createHealth(0);
    for (let now = 0; now < 100_000; now += 100) {
      expect(health.note(silentTo(`192.0.2.${now % 700}`), now)).toBe(false);
      if (now % 9_900 === 0) health.note(ANSWERED, now);
    }
    expect(health.isUp).toBe(true);
    expect(health.isDoubtful).toBe(true);
    health.note(ANSWERED, 100_000);
    expect(health.isDoubtful).toBe(false);
  });

  test('what was under way on another network says nothing of this one', () => {
    const health = createHealth(0);
    health.note(FAILED, 0);
    health.note(silentTo('192.0.2.1'), 0);
    health.renew(1_000);
    expect(health.isDoubtful).toBe(false);
    for (let i = 0; i < 9; i++) expect(health.note({ ...FAILED, began: 999 }, 1_001)).toBe(false);
    expect(health.note({ ...FAILED, began: 1_000 }, 1_001)).toBe(false);
    expect(health.note({ ...FAILED, began: 1_000 }, 1_001)).toBe(true);
  });

  test('on another network its pauses begin again with the shortest', () => {
    const health = down();
    let now = 0;
    for (let trials = 0; trials < 9; now += 1_000) {
      if (!health.isDue(now)) continue;
      trials++;
      health.beginTrial(now);
      health.note(FAILED, now);
    }
    expect(health.isDue(now + 20_000)).toBe(false);
    health.renew(now);
    expect(health.isDue(now)).toBe(true);
    health.beginTrial(now);
    health.note(FAILED, now);
    expect(health.isDue(now + 999)).toBe(false);
    expect(health.isDue(now + 2_000)).toBe(true);
  });

  test('renewed for no reason, one that is up stays so', () => {
    const health = createHealth(0);
    health.note(OPENED, 0);
    for (let now = 1; now < 100; now++) health.renew(now);
    expect(health).toMatchObject({ isUp: true, latency: 100, since: 0, isDoubtful: false });
  });

  test('it comes back with the second answer, and not for being opened', () => {
    const health = down();
    expect(health.isDue(999)).toBe(false);
    expect(health.isDue(1_000)).toBe(true);
    health.beginTrial(1_000);
    expect(health.isDue(1_000)).toBe(false);
    for (let i = 0; i < 10; i++) health.note(OPENED, 1_010);
    expect(health.isUp).toBe(false);
    expect(health.note(ANSWERED, 1_020)).toBe(false);
    expect(health.isDue(1_020)).toBe(true);
    expect(health.note(ANSWERED, 1_030)).toBe(true);
    expect(health).toMatchObject({ isUp: true, since: 1_030 });
  });

  test('a trial that fails doubles the pause, up to half a minute', () => {
    const health = down();
    let now = 0;
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      const from = now;
      while (!health.isDue(now)) now += 100;
      pauses.push(now - from);
      health.beginTrial(now);
      health.note(FAILED, now);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('what was begun before it went down says nothing any more, be it good or bad', () => {
    const health = down(100);
    for (let i = 0; i < 50; i++) {
      expect(health.note({ ...FAILED, began: 99 }, 150)).toBe(false);
      expect(health.note({ ...ANSWERED, began: 99 }, 150)).toBe(false);
    }
    expect(health.isUp).toBe(false);
    expect(health.isDue(1_100)).toBe(true);
    health.beginTrial(1_100);
    health.note({ ...FAILED, began: 99 }, 1_150);
    health.note({ ...ANSWERED, began: 1_100 }, 1_200);
    expect(health.note({ ...ANSWERED, began: 1_200 }, 1_300)).toBe(true);
    // Asked while it was down, and left without an answer since.
    for (const at of [1, 2, 3]) health.note({ ...silentTo(`192.0.2.${at}`), began: 99 }, 1_400);
    expect(health.isUp).toBe(true);
  });

  test('alone it comes back with the first answer, and is tried every second', () => {
    const health = down();
    for (let now = 1_000; now < 10_000; now += 1_000) {
      expect(health.isDue(now - 1, true)).toBe(false);
      expect(health.isDue(now, true)).toBe(true);
      health.beginTrial(now);
      health.note(FAILED, now);
    }
    // No longer than it need be, should another come back.
    expect([10_999, 11_000].map((now) => health.isDue(now))).toEqual([false, true]);
    expect(health.note(ANSWERED, 10_000, true)).toBe(true);
  });

  test('alone it stays up however silent targets are, but not without its probes', () => {
    const health = createHealth(0);
    for (let i = 0; i < 9; i++) expect(health.note(silentTo(`192.0.2.${i}`), 10_000, true)).toBe(false);
    const told = [SILENT, SILENT, SILENT].map((result) => health.note(result, 10_000, true));
    expect(told).toEqual([false, false, true]);
  });

  test('one that relapses has to wait longer; one that was well for long does not', () => {
    const relapsing = down();
    relapsing.note(ANSWERED, 1_000);
    relapsing.note(ANSWERED, 1_000);
    relapsing.note(FAILED, 2_000);
    relapsing.note(FAILED, 2_000);
    expect(relapsing.isDue(3_900)).toBe(false);
    expect(relapsing.isDue(4_000)).toBe(true);

    const well = down();
    well.note(ANSWERED, 1_000);
    well.note(ANSWERED, 1_000);
    well.note(FAILED, 100_000);
    well.note(FAILED, 100_000);
    expect(well.isDue(101_000)).toBe(true);
  });

  test('a probe’s time counts for more than that of opening', () => {
    const health = createHealth(0);
    expect(health.latency).toBeUndefined();
    health.note(OPENED, 0);
    expect(health.latency).toBe(100);
    health.note({ ...ANSWERED, milliseconds: 300 } as Result, 0);
    expect(health.latency).toBe(300);
    health.note({ ...ANSWERED, milliseconds: 400 } as Result, 0);
    expect(health.latency).toBe(320);
    expect(health.failureRate).toBe(0);
  });
});
