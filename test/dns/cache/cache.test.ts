import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import * as packet from 'dns-packet';
import type { CacheConfig } from '../../../src/config/dns_config.ts';
import { createCache, type Cache } from '../../../src/dns/cache/cache.ts';
import type { Side } from '../../../src/dns/question.ts';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { answer, ask, essence, KINDS, ttlsOf, type Asked, type Told } from './answers.ts';
import { SlowCache } from './slow_cache.ts';

const CONFIG: CacheConfig = { size: 1 << 20, minTtl: 0, maxTtl: 86_400, stale: 3600, directory: undefined };

/** A cache whose time the test makes, in milliseconds. */
function cacheAt(config: Partial<CacheConfig> = {}) {
  const time = { now: 1000 };
  const cache = createCache({ ...CONFIG, ...config }, () => time.now);
  return { cache, time };
}

function give(cache: Cache, told: Told, side: Side = 'trusted'): boolean {
  return cache.store(ask(told).question, answer(told), side);
}

function look(cache: Cache, asked: Asked) {
  const { query, question } = ask(asked);
  return cache.lookup(query, question);
}

/** The address at an offset, as text. */
function addressAt(message: Uint8Array, at: number): string {
  const bytes = message.slice(at, at + message[at - 1]!);
  return formatAddress({ family: bytes.length === 4 ? 4 : 6, bytes });
}

/** The addresses that dns-packet finds. */
function addressesIn(message: Uint8Array): string[] {
  const { answers = [] } = packet.decode(Buffer.from(message));
  return answers.flatMap((record) =>
    record.type === 'A' || record.type === 'AAAA' ? [formatAddress(parseAddress(record.data)!)] : [],
  );
}

const spelling = fc.constantFrom('a.example', 'A.exAMPLE', 'b.example', 'www.b.example', '');
const seldom = fc.constantFrom(false, false, false, true);
const asked = fc.record({
  name: spelling,
  type: fc.constantFrom('A' as const, 'A' as const, 'A' as const, 'AAAA' as const, 'TXT' as const),
  id: fc.nat(0xffff),
  dnssecOk: seldom,
  recursionDesired: fc.boolean(),
  checkingDisabled: seldom,
});
const ttl = fc.oneof(fc.constantFrom(0, 1, 5, 30, 60, 86_400, 0x7fffffff), fc.nat(700));
const told: fc.Arbitrary<Told> = fc
  .tuple(
    asked,
    fc.record({
      kind: fc.constantFrom(...KINDS),
      ttls: fc.array(ttl, { minLength: 1, maxLength: 4 }),
      soa: fc.record({ ttl, minimum: ttl }),
      mark: fc.nat(1000),
    }),
  )
  .map(([asked, rest]) => ({ ...asked, ...rest }));
const config = fc.record({
  minTtl: fc.constantFrom(0, 0, 1, 60),
  maxTtl: fc.constantFrom(60, 300, 86_400),
  stale: fc.constantFrom(0, 10, 100, 3600),
});
const step = fc.oneof(
  fc.record({ what: fc.constant('wait' as const), ms: fc.oneof(fc.nat(2000), fc.nat(60_000), fc.nat(1e7)) }),
  fc.record({
    what: fc.constant('store' as const),
    told,
    side: fc.constantFrom('china', 'trusted', 'local'),
    generation: fc.constantFrom(0, 1, 2, 0xffff),
  }),
  fc.record({ what: fc.constant('look' as const), asked }),
  fc.record({ what: fc.constant('look' as const), asked }),
);

describe('the cache', () => {
  test('is the slow one', () => {
    const seen = { fresh: 0, stale: 0, refresh: 0, miss: 0 };
    fc.assert(
      fc.property(config, fc.array(step, { minLength: 20, maxLength: 80 }), (settings, steps) => {
        const { cache, time } = cacheAt(settings);
        const slow = new SlowCache({ ...CONFIG, ...settings });
        for (const step of steps) {
          if (step.what === 'wait') time.now += step.ms;
          else if (step.what === 'store') {
            const message = answer(step.told);
            const { told, side, generation } = step;
            const kept = cache.store(ask(told).question, message, side, generation);
            expect(kept).toBe(slow.store(told, message, { side, generation, now: time.now }));
          } else {
            const { query, question } = ask(step.asked);
            const hit = cache.lookup(query, question);
            const expected = slow.lookup(step.asked, time.now);
            seen[hit?.state ?? 'miss']++;
            if (hit?.shouldRefresh) seen.refresh++;
            if (!hit || !expected) {
              expect([hit, expected]).toEqual([undefined, undefined]);
              continue;
            }
            const { message, length, entry: _, addresses, ...rest } = hit;
            expect({ ...rest, essence: essence(message), ttls: ttlsOf(message) }).toEqual(expected);
            const noted = Array.from({ length: addresses }, (_, i) => cache.addressAt(hit, i));
            expect(noted.map((at) => addressAt(message, at))).toEqual(addressesIn(message));
            expect(length).toBe(message.length);
            // As it was asked: id, RD, and the spelling of the name.
            const { id, flag_rd } = packet.decode(Buffer.from(message));
            expect({ id, flag_rd }).toEqual({
              id: step.asked.id,
              flag_rd: step.asked.recursionDesired,
            });
            expect(message.subarray(12, question.end)).toEqual(query.subarray(12, question.end));
          }
        }
      }),
      { numRuns: 1500 },
    );
    // The random steps have led everywhere.
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(100);
  });

  test('gives bytes that are the caller’s own, and keeps a copy of its own', () => {
    const { cache } = cacheAt();
    const asked = { name: 'a.example', id: 7 };
    const message = answer({ ...asked, kind: 'positive', ttls: [60] });
    const whole = essence(message);
    cache.store(ask(asked).question, message, 'china');
    message.fill(0xff);
    const first = look(cache, asked)!.message;
    expect(essence(first)).toEqual(whole);
    const second = look(cache, asked)!.message;
    first.fill(0xff);
    expect(essence(second)).toEqual(whole);
    expect(essence(look(cache, asked)!.message)).toEqual(whole);
  });

  test('gives into the caller’s memory what it gives as a copy, and touches nothing around it', () => {
    fc.assert(
      fc.property(told, fc.nat(100), fc.nat(100_000), (told, at, ms) => {
        const { cache, time } = cacheAt({ stale: 10 });
        give(cache, told);
        time.now += ms;
        const { query, question } = ask(told);
        const target = new Uint8Array(1000).fill(0xee);
        const hit = cache.lookupInto(query, question, target, at);
        const copy = cache.lookup(query, question);
        expect(hit?.length).toBe(copy?.length);
        const expected = new Uint8Array(1000).fill(0xee);
        expected.set(copy?.message ?? [], at);
        expect(target).toEqual(expected);
      }),
    );
  });

  test('refuses to give into memory that is too short', () => {
    const { cache } = cacheAt();
    const told: Told = { name: 'a.example', kind: 'positive', ttls: [60] };
    give(cache, told);
    const { query, question } = ask(told);
    const { length } = answer(told);
    expect(() => cache.lookupInto(query, question, new Uint8Array(length + 4), 5)).toThrow(RangeError);
    expect(cache.lookupInto(query, question, new Uint8Array(length + 5), 5)?.length).toBe(length);
  });

  test.each([
    ['truncated', (message: Uint8Array) => (message[2]! |= 0x02)],
    ['a query', (message: Uint8Array) => (message[2]! &= 0x7f)],
    ['of another opcode', (message: Uint8Array) => (message[2]! |= 0x28)],
    ['of another name', (message: Uint8Array) => (message[13]! ^= 0x01)],
    ['of another type', (message: Uint8Array) => (message[12 + 11 + 1]! ^= 0x1c)],
    ['of another class', (message: Uint8Array) => (message[12 + 11 + 3]! ^= 0x02)],
    ['without a question', (message: Uint8Array) => (message[5] = 0)],
    ['of two questions', (message: Uint8Array) => (message[5] = 2)],
    ['with more records than it has', (message: Uint8Array) => message[7]!++],
  ])('keeps no message that is %s', (_, spoil) => {
    const { cache } = cacheAt();
    const told: Told = { name: 'a.example', kind: 'positive', ttls: [60] };
    const message = answer(told);
    spoil(message);
    expect(cache.store(ask(told).question, message, 'china')).toBe(false);
    expect(look(cache, told)).toBeUndefined();
    expect(give(cache, told)).toBe(true);
  });

  test('keeps nothing of random bytes, nor of an answer that is cut short anywhere', () => {
    const told: Told = { name: 'a.example', kind: 'positive', ttls: [60, 60], dnssecOk: true };
    const { question } = ask(told);
    const { cache } = cacheAt();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(cache.store(question, bytes, 'china')).toBe(false);
      }),
    );
    const whole = answer(told);
    for (let length = 0; length < whole.length; length++)
      expect(cache.store(question, whole.subarray(0, length), 'china')).toBe(false);
    expect(cache.store(question, whole, 'china')).toBe(true);
  });

  test('keeps a failure not in the place of what can still be given, and not long', () => {
    const { cache, time } = cacheAt({ stale: 100 });
    const name = 'a.example';
    give(cache, { name, kind: 'positive', ttls: [60] });
    time.now += 100_000;
    expect(give(cache, { name, kind: 'failure' })).toBe(false);
    expect(look(cache, { name })?.state).toBe('stale');
    time.now += 60_000;
    expect(give(cache, { name, kind: 'failure' })).toBe(true);
    expect(look(cache, { name })).toMatchObject({ state: 'fresh', remaining: 5 });
    expect([...cache.kept()]).toEqual([]);
    time.now += 5000;
    expect(look(cache, { name })).toBeUndefined();
    expect(cache.count).toBe(0);
  });

  test('writes a longer answer in the place of a shorter one over nothing else', () => {
    const { cache } = cacheAt();
    const names = ['a.example', 'b.example', 'c.example'];
    const last = new Map<string, unknown>();
    for (let digits = 0; digits < 15; digits++) {
      for (const name of names) {
        const told: Told = { name, type: 'TXT', kind: 'positive', ttls: [60], mark: 10 ** digits };
        give(cache, told);
        last.set(name, essence(answer(told)));
        for (const [name, expected] of last)
          expect(essence(look(cache, { name, type: 'TXT' })!.message)).toEqual(expected);
      }
    }
  });

  test('says to try again what is stale, at most every 30 seconds', () => {
    const { cache, time } = cacheAt();
    const name = 'a.example';
    give(cache, { name, kind: 'positive', ttls: [60] });
    const said: boolean[] = [];
    for (const ms of [60_000, 0, 29_999, 1, 29_999, 1]) {
      time.now += ms;
      said.push(look(cache, { name })!.shouldRefresh);
    }
    expect(said).toEqual([true, false, false, true, false, true]);
  });

  test('takes back nothing as younger than it was when it was new', () => {
    const { cache } = cacheAt();
    const told: Told = { name: 'a.example', kind: 'positive', ttls: [60] };
    give(cache, told);
    const other = cacheAt().cache;
    for (const answer of cache.kept()) expect(other.restore({ ...answer, remaining: 1e9 })).toBe(true);
    const hit = look(other, told)!;
    expect(hit.remaining).toBe(60);
    expect(ttlsOf(hit.message)).toEqual([60]);
  });

  test('with size 0 keeps nothing', () => {
    const { cache } = cacheAt({ size: 0 });
    expect(give(cache, { name: 'a.example', kind: 'positive', ttls: [60] })).toBe(false);
    expect(look(cache, { name: 'a.example' })).toBeUndefined();
    expect([...cache.kept()]).toEqual([]);
  });
});

describe('in little memory', () => {
  test('nothing wrong is given, and the bound holds', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 20_000 }),
        fc.array(fc.record({ name: fc.nat(300), records: fc.nat(30), look: fc.nat(300) }), {
          maxLength: 400,
        }),
        (size, steps) => {
          const { cache } = cacheAt({ size });
          expect(cache.bytes).toBeLessThanOrEqual(Math.max(size, 64));
          const last = new Map<number, unknown>();
          steps.forEach(({ name, records, look: wanted }, i) => {
            const told: Told = {
              name: `${name}.example`,
              kind: 'positive',
              ttls: Array<number>(records + 1).fill(60),
              mark: i,
            };
            if (give(cache, told)) last.set(name, essence(answer(told)));
            const hit = look(cache, { name: `${wanted}.example` });
            if (hit) expect(essence(hit.message)).toEqual(last.get(wanted));
          });
          expect(cache.count).toBeLessThanOrEqual(cache.bytes / 80);
        },
      ),
    );
  });

  test('a flood of names that are asked for once leaves those in use', () => {
    const { cache } = cacheAt({ size: 64 << 10 });
    const used = Array.from({ length: 20 }, (_, i) => `used${i}.example`);
    for (const name of used) give(cache, { name, kind: 'positive', ttls: [600] });
    for (let i = 0; i < 10_000; i++) {
      give(cache, { name: `random${i}.example`, kind: 'nxdomain' });
      look(cache, { name: used[i % used.length]! });
    }
    for (const name of used) expect(look(cache, { name })?.state).toBe('fresh');
    expect(cache.count).toBeLessThan((64 * 1024) / 80);
  });
});
