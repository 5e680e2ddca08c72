import { describe, expect, test } from 'bun:test';
import { loopback } from '../../relay/harness.ts';
import { createHealth, type Health } from '../../../src/upstream/group/health.ts';
import type { Result } from '../../../src/upstream/upstream.ts';

const endpoint = loopback(1);
const OPENED: Result = { kind: 'opened', endpoint, milliseconds: 100 };
const FAILED: Result = { kind: 'failed', endpoint, status: 'ERR_DIAL_REFUSED' };
const ANSWERED: Result = { kind: 'answered' };
const SILENT: Result = { kind: 'silent' };

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

  test('three silences in a row bring it down, though it opens every time', () => {
    const health = createHealth(0);
    const told = [SILENT, OPENED, SILENT, OPENED, SILENT].map((result) => health.note(result, 0));
    expect(told).toEqual([false, false, false, false, true]);
    expect(health.lastFailure).toBe('ERR_UPSTREAM_SILENT');
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

  test('what was under way when it went down makes nothing worse', () => {
    const health = down();
    for (let i = 0; i < 50; i++) expect(health.note(FAILED, 10)).toBe(false);
    expect(health.isDue(1_000)).toBe(true);
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
    health.note({ kind: 'answered', milliseconds: 300 }, 0);
    expect(health.latency).toBe(300);
    health.note({ kind: 'answered', milliseconds: 400 }, 0);
    expect(health.latency).toBe(320);
    expect(health.failureRate).toBe(0);
  });
});
