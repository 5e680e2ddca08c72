/** On which side unknown names fell, so that the second question about a name goes to that side alone. */
import { hashText, randomSeed } from '../../base/hash.ts';
import { createRecordRing, HEADER } from '../../base/record_ring.ts';

export type Verdict = 'china' | 'trusted';

export interface Verdicts {
  readonly count: number;
  /** @returns undefined if none is known, or it was made, confirmed or used too long ago. A use counts as one. */
  lookup(name: string): Verdict | undefined;
  /** Remembers it, also in the place of another. */
  record(name: string, verdict: Verdict): void;
  /** All of them, for keeping them over a restart. They may change between two steps. */
  kept(): Generator<KeptVerdict, void, undefined>;
  /** Takes back what {@link kept} gave, unless its time is over or one is known meanwhile. @returns whether it was kept */
  restore(verdict: KeptVerdict): boolean;
}

export interface KeptVerdict {
  readonly name: string;
  readonly verdict: Verdict;
  /** Milliseconds until it is forgotten. */
  readonly remaining: number;
}

export interface VerdictOptions {
  /** Of all memory. Some 60 are one name. */
  readonly bytes: number;
  /** For how many seconds a verdict counts that nobody uses. */
  readonly life: number;
  /** Milliseconds, never going back. */
  readonly clock: () => number;
}

/** Over 100,000 names; hosting moves between countries, but seldom within a week. */
const VERDICT_DEFAULTS = { bytes: 8 << 20, life: 7 * 86_400, clock: () => performance.now() };

/**
 * Layout of a record behind the ring's header:
 *
 *      8  f64  when it is forgotten, in milliseconds of the clock
 *     16  u16  length of the name; u8 verdict; the name in ASCII
 */
const FIXED = 11;
const NAME = HEADER + FIXED;

const TYPICAL_RECORD = 40;
const VERDICTS: readonly Verdict[] = ['china', 'trusted'];

export function createVerdicts(options: Partial<VerdictOptions> = {}): Verdicts {
  const { bytes, life, clock } = { ...VERDICT_DEFAULTS, ...options };
  const ring = createRecordRing(bytes, TYPICAL_RECORD);
  const octets = Buffer.from(ring.memory);
  const halves = new Uint16Array(ring.memory);
  const numbers = new Float64Array(ring.memory);
  const seed = randomSeed();
  const lifeMs = life * 1000;

  const matches = (at: number, name: string): boolean => {
    if (halves[at / 2 + 8] !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (octets[at + NAME + i] !== name.charCodeAt(i)) return false;
    return true;
  };

  const find = (name: string, hash = hashText(name, seed)): number => {
    let slot = ring.seek(hash);
    while (slot >= 0 && !matches(ring.at(slot), name)) slot = ring.seek(hash, slot);
    return slot;
  };

  const put = (name: string, verdict: Verdict, until: number): boolean => {
    const hash = hashText(name, seed);
    const slot = find(name, hash);
    const at = slot >= 0 ? ring.at(slot) : ring.insert(hash, FIXED + name.length);
    if (at < 0) return false;
    numbers[at / 8 + 1] = until;
    halves[at / 2 + 8] = name.length;
    octets[at + 18] = VERDICTS.indexOf(verdict);
    octets.write(name, at + NAME, 'latin1');
    return true;
  };

  return {
    get count() {
      return ring.count;
    },
    lookup(name) {
      const slot = find(name);
      if (slot < 0) return undefined;
      const at = ring.at(slot);
      const now = clock();
      if (numbers[at / 8 + 1]! <= now) {
        ring.remove(slot);
        return undefined;
      }
      numbers[at / 8 + 1] = now + lifeMs;
      ring.touch(at);
      return VERDICTS[octets[at + 18]!];
    },
    record(name, verdict) {
      put(name, verdict, clock() + lifeMs);
    },
    *kept() {
      for (const at of ring.walk()) {
        const remaining = numbers[at / 8 + 1]! - clock();
        const name = octets.toString('latin1', at + NAME, at + NAME + halves[at / 2 + 8]!);
        if (remaining > 0) yield { name, verdict: VERDICTS[octets[at + 18]!]!, remaining };
      }
    },
    restore({ name, verdict, remaining }) {
      return remaining > 0 && find(name) < 0 && put(name, verdict, clock() + Math.min(remaining, lifeMs));
    },
  };
}
