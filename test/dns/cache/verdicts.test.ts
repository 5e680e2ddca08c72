import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { createVerdicts, type Verdict, type VerdictOptions } from '../../../src/dns/cache/verdicts.ts';

function verdictsAt(options: Partial<VerdictOptions> = {}) {
  const time = { now: 1000 };
  return { time, verdicts: createVerdicts({ life: 100, bytes: 1 << 16, clock: () => time.now, ...options }) };
}

const name = fc.constantFrom('', 'a.example', 'b.example', 'aa.example', 'example', 'a\\000.example');
const verdict = fc.constantFrom<Verdict>('china', 'trusted');

describe('verdicts', () => {
  test('are those of a slow Map', () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant('record' as const), name, verdict }),
      fc.record({ what: fc.constant('lookup' as const), name }),
      fc.record({ what: fc.constant('lookup' as const), name }),
      fc.record({ what: fc.constant('wait' as const), ms: fc.nat(60_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { verdicts, time } = verdictsAt();
        const slow = new Map<string, { verdict: Verdict; used: number }>();
        for (const step of steps) {
          if (step.what === 'wait') time.now += step.ms;
          else if (step.what === 'record') {
            verdicts.record(step.name, step.verdict);
            slow.set(step.name, { verdict: step.verdict, used: time.now });
          } else {
            const known = slow.get(step.name);
            if (known && time.now - known.used >= 100_000) slow.delete(step.name);
            else if (known) known.used = time.now;
            expect(verdicts.lookup(step.name)).toBe(slow.get(step.name)?.verdict);
          }
        }
        const left = [...slow].filter(([, { used }]) => time.now - used < 100_000);
        const expected = left.map(([name, { verdict, used }]) => ({
          name,
          verdict,
          remaining: used + 100_000 - time.now,
        }));
        const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
        expect([...verdicts.kept()].sort(byName)).toEqual(expected.sort(byName));
      }),
      { numRuns: 500 },
    );
  });

  test('stay within their memory', () => {
    const { verdicts } = verdictsAt({ bytes: 10_000 });
    for (let i = 0; i < 10_000; i++) verdicts.record(`name${i}.example`, i % 2 ? 'china' : 'trusted');
    expect(verdicts.count).toBeWithin(100, 300);
    expect(verdicts.lookup('name9999.example')).toBe('china');
    expect(verdicts.lookup('name9998.example')).toBe('trusted');
    expect(verdicts.lookup('name0.example')).toBeUndefined();
  });

  test('of 100,000 names fit into what they have by default', () => {
    const verdicts = createVerdicts();
    for (let i = 0; i < 100_000; i++) verdicts.record(`www.some-name-${i}.example`, 'china');
    expect(verdicts.count).toBe(100_000);
  });

  test('taken back do not replace a newer one, nor live longer than a new one', () => {
    const { verdicts, time } = verdictsAt();
    verdicts.record('a.example', 'trusted');
    expect(verdicts.restore({ name: 'a.example', verdict: 'china', remaining: 50_000 })).toBe(false);
    expect(verdicts.restore({ name: 'b.example', verdict: 'china', remaining: 0 })).toBe(false);
    expect(verdicts.restore({ name: 'c.example', verdict: 'china', remaining: 1e12 })).toBe(true);
    expect(verdicts.lookup('a.example')).toBe('trusted');
    time.now += 100_000;
    expect(verdicts.lookup('c.example')).toBeUndefined();
  });
});
