import { describe, expect, test } from 'bun:test';
import { direct } from '../../../src/upstream/direct.ts';
import { createGroup, type GroupOptions } from '../../../src/upstream/group/group.ts';
import type { Result } from '../../../src/upstream/upstream.ts';
import { loopback } from '../../relay/harness.ts';
import { ANSWERED, FAILED, OPENED } from '../results.ts';

const ANY = loopback(443);

function groupOf(names: readonly string[], more: Partial<GroupOptions> = {}) {
  const clock = { now: 0 };
  const changes: string[] = [];
  const group = createGroup(
    names.map((label) => ({ ...direct, label })),
    {
      policy: 'failover',
      isProbed: () => true,
      changed: ({ upstream, health }) => changes.push(`${upstream.label} ${health.isUp ? 'up' : 'down'}`),
      now: () => clock.now,
      ...more,
    },
  );
  const report = (at: number, result: Result, times = 2) => {
    for (let i = 0; i < times; i++) group.members[at]!.upstream.report(result);
  };
  const candidates = () => group.candidates(ANY).map(({ label }) => label);
  return { group, clock, changes, report, candidates };
}

describe('a group', () => {
  test('leaves out one that is down, and takes it back in its place', () => {
    const { candidates, report, changes } = groupOf(['a', 'b', 'c']);
    expect(candidates()).toEqual(['a', 'b', 'c']);
    report(0, FAILED);
    expect(candidates()).toEqual(['b', 'c']);
    report(0, ANSWERED);
    expect(candidates()).toEqual(['a', 'b', 'c']);
    expect(changes).toEqual(['a down', 'a up']);
  });

  test('all down: fails fast, but for the one connection that finds out', () => {
    const { candidates, report, clock } = groupOf(['a', 'b']);
    report(0, FAILED);
    report(1, FAILED);
    expect(candidates()).toEqual([]);
    clock.now = 1_000;
    expect(candidates()).toEqual(['a', 'b']);
    expect(candidates()).toEqual([]);
    report(1, ANSWERED, 1);
    expect(candidates()).toEqual(['b']);
  });

  test('on another network, those that are down are tried again at once', () => {
    const { candidates, report, group, clock, changes } = groupOf(['a', 'b']);
    report(0, FAILED);
    report(1, FAILED);
    expect(candidates()).toEqual([]);
    group.renew();
    expect(candidates()).toEqual(['a', 'b']);
    expect(group.members.map(({ health }) => health.isUp)).toEqual([false, false]);
    // Of the old network: what was under way there ends one after the other.
    clock.now = 10_000;
    group.renew();
    report(0, { ...ANSWERED, began: 9_999 }, 9);
    expect(changes).toEqual(['a down', 'b down']);
    report(0, { ...ANSWERED, began: 10_000 });
    expect(changes).toEqual(['a down', 'b down', 'a up']);
  });

  test('without probes a connection now and then finds out whether one is back, and has the others behind it', () => {
    const { candidates, report, clock } = groupOf(['a', 'b'], { isProbed: () => false });
    report(0, FAILED);
    expect(candidates()).toEqual(['b']);
    clock.now = 1_000;
    expect(candidates()).toEqual(['a', 'b']);
    expect(candidates()).toEqual(['b']);
  });

  test('knows when it was last asked', () => {
    const { group, candidates, clock } = groupOf(['a']);
    expect(group.lastAsked).toBe(-Infinity);
    clock.now = 42;
    candidates();
    expect(group.lastAsked).toBe(42);
  });

  test('is as patient with each as its latency asks for, within bounds', () => {
    const { group } = groupOf(['a']);
    const { upstream } = group.members[0]!;
    expect(upstream.patience).toBe(1_000);
    upstream.report({ ...OPENED, connecting: 10 } as Result);
    expect(upstream.patience).toBe(400);
    upstream.report({ ...OPENED, connecting: 700 } as Result);
    expect(upstream.patience).toBe(596);
    for (let i = 0; i < 100; i++) upstream.report({ ...OPENED, connecting: 9_000 } as Result);
    expect(upstream.patience).toBe(2_500);
  });
});
