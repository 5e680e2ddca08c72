import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { createRecordRing, HEADER, type RecordRing } from '../../src/base/record_ring.ts';

/** A record's content: its key, then a length, then as many bytes that follow from both. */
function fill(ring: RecordRing, at: number, key: number, room: number): void {
  const view = new DataView(ring.memory, at + HEADER, room);
  view.setUint32(0, key);
  view.setUint32(4, room);
  for (let i = 8; i < room; i++) view.setUint8(i, key + room + i);
}

/** @throws if what is there is not what {@link fill} wrote */
function keyAt(ring: RecordRing, at: number): number {
  const view = new DataView(ring.memory, at + HEADER, ring.roomOf(at));
  const key = view.getUint32(0);
  const room = view.getUint32(4);
  expect(ring.roomOf(at) - room).toBeWithin(0, 8);
  for (let i = 8; i < room; i++)
    if (view.getUint8(i) !== ((key + room + i) & 0xff)) throw new Error(`${key} is torn`);
  return key;
}

function slotOf(ring: RecordRing, key: number, hash: number): number {
  let slot = ring.seek(hash);
  while (slot >= 0 && keyAt(ring, ring.at(slot)) !== key) slot = ring.seek(hash, slot);
  return slot;
}

const step = fc.oneof(
  fc.record({ what: fc.constant('insert' as const), room: fc.integer({ min: 8, max: 120 }) }),
  fc.record({ what: fc.constant('insert' as const), room: fc.integer({ min: 8, max: 120 }) }),
  fc.record({ what: fc.constant('touch' as const), back: fc.nat(40) }),
  fc.record({ what: fc.constant('remove' as const), back: fc.nat(40) }),
);

describe('a ring of records', () => {
  test('has what was put in last, whole, whatever their hashes are', () => {
    let dropped = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 500, max: 3000 }),
        // Few hashes make long chains; the highest wrap around the end of the table.
        fc.constantFrom<(key: number) => number>(
          (key) => key % 3,
          (key) => 0xfffffffe + (key % 2),
          (key) => Math.imul(key, 0x9e3779b1) >>> 0,
          () => 7,
        ),
        fc.array(step, { minLength: 50, maxLength: 200 }),
        (bytes, hashOf, steps) => {
          const ring = createRecordRing(bytes, 64);
          const live = new Set<number>();
          const touched = new Set<number>();
          let next = 0;
          for (const step of steps) {
            if (step.what === 'insert') {
              const key = next++;
              const at = ring.insert(hashOf(key), step.room);
              if (at < 0) continue;
              fill(ring, at, key, step.room);
              live.add(key);
            } else {
              const key = next - 1 - step.back;
              const slot = slotOf(ring, key, hashOf(key));
              if (slot < 0) continue;
              if (step.what === 'remove') {
                ring.remove(slot);
                live.delete(key);
              } else {
                ring.touch(ring.at(slot));
                touched.add(key);
              }
            }
            const present = [...ring.walk()].map((at) => keyAt(ring, at));
            expect(present.length).toBe(ring.count);
            expect(new Set(present).size).toBe(ring.count);
            for (const key of present) expect(live.has(key)).toBe(true);
            for (const key of live) {
              const there = slotOf(ring, key, hashOf(key)) >= 0;
              expect(there).toBe(present.includes(key));
              if (there) continue;
              live.delete(key);
              dropped++;
            }
            // What was never touched goes in the order it came.
            const plain = [...live].filter((key) => !touched.has(key));
            expect(present.filter((key) => !touched.has(key))).toEqual(plain);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(dropped).toBeGreaterThan(1000);
  });

  test('gives a touched record another round, and only one', () => {
    const ring = createRecordRing(2000, 64);
    const put = (key: number) => fill(ring, ring.insert(key, 56), key, 56);
    put(0);
    let round = 0;
    while (slotOf(ring, 1, 1) >= 0 || round === 0) put(++round);
    // Record 1 has gone in the first round; 0 went before it.
    expect(slotOf(ring, 0, 0)).toBe(-1);
    const kept = round;
    ring.touch(ring.at(slotOf(ring, kept, kept)));
    for (let i = 1; i <= round + 2; i++) put(kept + i);
    expect(slotOf(ring, kept, kept)).toBeGreaterThanOrEqual(0);
    expect(slotOf(ring, kept + 1, kept + 1)).toBe(-1);
    for (let i = 1; i <= round + 2; i++) put(2 * kept + 2 + i);
    expect(slotOf(ring, kept, kept)).toBe(-1);
  });

  test('goes on when every record is touched', () => {
    const ring = createRecordRing(1 << 16, 64);
    for (let key = 0; key < 5000; key++) {
      const at = ring.insert(key, 40);
      fill(ring, at, key, 40);
      ring.touch(at);
    }
    expect(slotOf(ring, 4999, 4999)).toBeGreaterThanOrEqual(0);
    expect(ring.count).toBeGreaterThan(500);
  });

  test('refuses what is more than a quarter of it, and keeps what it has', () => {
    const ring = createRecordRing(4096, 64);
    fill(ring, ring.insert(1, 100), 1, 100);
    expect(ring.insert(2, 1024)).toBe(-1);
    expect(slotOf(ring, 1, 1)).toBeGreaterThanOrEqual(0);
    expect(createRecordRing(0, 64).insert(1, 8)).toBe(-1);
  });

  test('holds records that are smaller than usual in no greater number than its table has room for', () => {
    const ring = createRecordRing(1 << 14, 512);
    for (let key = 0; key < 2000; key++) fill(ring, ring.insert(key, 8), key, 8);
    expect(ring.count).toBeWithin(16, 65);
    expect(slotOf(ring, 1999, 1999)).toBeGreaterThanOrEqual(0);
    expect(slotOf(ring, 1999 - ring.count, 1999 - ring.count)).toBe(-1);
  });

  test('a walk meets what stays, while others come and go', () => {
    const ring = createRecordRing(1 << 14, 64);
    let next = 0;
    const put = () => {
      const at = ring.insert(next, 40);
      fill(ring, at, next, 40);
      return next++;
    };
    for (let i = 0; i < 1000; i++) put();
    const before = [...ring.walk()].map((at) => keyAt(ring, at));
    const met: number[] = [];
    for (const at of ring.walk()) {
      met.push(keyAt(ring, at));
      if (met.length % 2 === 0) put();
    }
    const stayed = before.filter((key) => slotOf(ring, key, key) >= 0);
    expect(stayed.length).toBeGreaterThan(10);
    expect(met.filter((key) => stayed.includes(key))).toEqual(stayed);
    expect(met.every((key) => before.includes(key))).toBe(true);
  });
});
