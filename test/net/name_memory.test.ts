import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { createNameMemory } from '../../src/net/name_memory.ts';
import { address } from './arbitrary.ts';

const ONE = parseAddress('192.0.2.1')!;

describe('the memory of names', () => {
  test('is that of a slow Map', () => {
    const someAddress = fc.oneof(
      address,
      fc
        .constantFrom('192.0.2.1', '192.0.2.2', '::ffff:192.0.2.1', '::', '0.0.0.0')
        .map((text) => parseAddress(text)!),
    );
    const step = fc.record({
      address: someAddress,
      name: fc.constantFrom('', 'a.example', 'b.example', 'a-long-one.of.many.labels.example'),
      ttl: fc.constantFrom(0, 10, 60, 100, 1000),
      wait: fc.constantFrom(0, 0, 1000, 30_000, 100_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        let now = 0;
        const memory = createNameMemory({ bytes: 1 << 16, least: 60, clock: () => now });
        const slow = new Map<string, { name: string; until: number; isShared: boolean }>();
        for (const { address, name, ttl, wait } of steps) {
          memory.record(address, name, ttl);
          const before = slow.get(formatAddress(address));
          const isShared =
            before !== undefined && before.until > now && (before.isShared || before.name !== name);
          slow.set(formatAddress(address), { name, until: now + Math.max(60, ttl) * 1000, isShared });
          now += wait;
          for (const { address } of steps) {
            const known = slow.get(formatAddress(address));
            const name = known && known.until > now ? known.name : undefined;
            expect(memory.lookup(address)).toBe(name);
            expect(memory.only(address)).toBe(known?.isShared ? undefined : name);
          }
        }
      }),
    );
  });

  test('keeps those in use under a flood, within its bound', () => {
    const memory = createNameMemory({ bytes: 20_000, clock: () => 0 });
    memory.record(ONE, 'used.example', 60);
    for (let i = 0; i < 50_000; i++) {
      memory.record({ family: 4, bytes: Uint8Array.of(10, i >> 16, i >> 8, i) }, `name${i}.example`, 60);
      if (i % 50 === 0) expect(memory.lookup(ONE)).toBe('used.example');
    }
    expect(memory.count).toBeWithin(100, 600);
    expect(memory.lookup({ family: 4, bytes: Uint8Array.of(10, 0, 195, 79) })).toBe('name49999.example');
  });

  test('of 100,000 addresses fits into what it has by default', () => {
    const memory = createNameMemory();
    for (let i = 0; i < 100_000; i++)
      memory.record({ family: 4, bytes: Uint8Array.of(10, i >> 16, i >> 8, i) }, `www.name-${i}.example`, 60);
    expect(memory.count).toBe(100_000);
  });
});
