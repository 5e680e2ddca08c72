/** The cache as one would write it if neither memory nor time mattered: a Map, and the rules of the RFCs one after another. */
import type { CacheConfig } from '../../../src/config/dns_config.ts';
import type { Side } from '../../../src/dns/question.ts';
import { essence, type Told } from './answers.ts';

interface Entry {
  readonly essence: unknown;
  readonly ttls: number[];
  readonly seconds: number;
  readonly born: number;
  readonly failure: boolean;
  readonly side: Side;
  readonly generation: number;
  uses: number;
  told: number | undefined;
}

export interface SlowHit {
  readonly state: 'fresh' | 'stale';
  readonly essence: unknown;
  readonly ttls: number[];
  readonly remaining: number;
  readonly shouldRefresh: boolean;
  readonly side: Side;
  readonly generation: number;
}

export class SlowCache {
  readonly entries = new Map<string, Entry>();
  readonly #config: CacheConfig;

  constructor(config: CacheConfig) {
    this.#config = config;
  }

  static key({ name, type = 'A', dnssecOk = false, checkingDisabled = false }: Omit<Told, 'kind'>): string {
    return [name.toLowerCase(), type, dnssecOk, checkingDisabled].join(' ');
  }

  store(
    told: Told,
    message: Uint8Array,
    { side, generation, now }: { side: Side; generation: number; now: number },
  ): boolean {
    const key = SlowCache.key(told);
    const life = this.#life(told);
    if (life.seconds === 0) return false;
    const failure = told.kind === 'failure';
    const earlier = this.entries.get(key);
    if (failure && earlier && !earlier.failure && this.#isUsable(earlier, now)) return false;
    this.entries.set(key, {
      essence: essence(message),
      ...life,
      born: now,
      failure,
      side,
      generation,
      uses: 0,
      told: undefined,
    });
    return true;
  }

  lookup(asked: Omit<Told, 'kind'>, now: number): SlowHit | undefined {
    const entry = this.entries.get(SlowCache.key(asked));
    if (!entry || !this.#isUsable(entry, now)) return undefined;
    const age = (now - entry.born) / 1000;
    const stale = age >= entry.seconds;
    entry.uses++;
    const shouldRefresh = stale
      ? entry.told === undefined || age - entry.told >= 30
      : !entry.failure && entry.told === undefined && entry.uses >= 2 && age >= entry.seconds * 0.9;
    if (shouldRefresh) entry.told = Math.floor(age);
    return {
      state: stale ? 'stale' : 'fresh',
      essence: entry.essence,
      ttls: entry.ttls.map((ttl) => (stale ? 30 : ttl - Math.floor(age))),
      remaining: stale ? 0 : entry.seconds - Math.floor(age),
      shouldRefresh,
      side: entry.side,
      generation: entry.generation,
    };
  }

  #isUsable(entry: Entry, now: number): boolean {
    const age = (now - entry.born) / 1000;
    return age < entry.seconds || (!entry.failure && age < entry.seconds + this.#config.stale);
  }

  #life({ kind, ttls = [], soa = { ttl: 300, minimum: 300 } }: Told): Pick<Entry, 'seconds' | 'ttls'> {
    const { minTtl, maxTtl } = this.#config;
    const clamp = (ttl: number) => Math.min(maxTtl, Math.max(minTtl, ttl));
    if (kind === 'failure') return { seconds: 5, ttls: [] };
    if (kind === 'positive') {
      const clamped = ttls.map(clamp);
      return { seconds: Math.min(...clamped), ttls: clamped };
    }
    if (kind === 'nxdomain without SOA') {
      const seconds = Math.min(5, maxTtl, ...ttls);
      return { seconds, ttls: ttls.map(() => seconds) };
    }
    const seconds = clamp(Math.min(10_800, soa.ttl, soa.minimum, ...ttls));
    return { seconds, ttls: [...ttls, soa.ttl].map(() => seconds) };
  }
}
