import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { createCrowd } from '../../src/server/crowd.ts';

function crowdOf(limits: { total: number; perClient: number; strangers: number }) {
  const evicted: string[] = [];
  const crowd = createCrowd<string>(limits, (visitor) => {
    evicted.push(visitor);
    crowd.leave(visitor, clientOf(visitor));
  });
  /** @returns whether it got in */
  const come = (visitor: string) => {
    const room = crowd.makeRoom(clientOf(visitor));
    if (room) crowd.enter(visitor, clientOf(visitor));
    return room;
  };
  return { crowd, come, evicted };
}

/** `a1` and `a2` are of one client. */
const clientOf = (visitor: string) => visitor[0]!;

describe('a crowd', () => {
  test('has no room for more than so many of one client', () => {
    const { crowd, come, evicted } = crowdOf({ total: 10, perClient: 2, strangers: 10 });
    expect([come('a1'), come('a2'), come('a3'), come('b1')]).toEqual([true, true, false, true]);
    crowd.leave('a1', 'a');
    expect(come('a3')).toBe(true);
    expect(evicted).toEqual([]);
  });

  test('sends the oldest stranger away for another', () => {
    const { crowd, come, evicted } = crowdOf({ total: 10, perClient: 10, strangers: 2 });
    come('a1');
    come('a2');
    crowd.known('a1');
    come('b1');
    expect(evicted).toEqual([]);
    come('b2');
    expect(evicted).toEqual(['a2']);
    expect([...crowd.strangers]).toEqual(['b1', 'b2']);
    expect(crowd.size).toBe(3);
  });

  test('sends strangers away when it is full, and nobody else', () => {
    const { crowd, come, evicted } = crowdOf({ total: 2, perClient: 10, strangers: 10 });
    come('a1');
    come('a2');
    crowd.known('a2');
    expect(come('b1')).toBe(true);
    expect(evicted).toEqual(['a1']);
    crowd.known('b1');
    expect(come('b2')).toBe(false);
    expect(evicted).toEqual(['a1']);
  });

  test('keeps its limits and its books, whatever happens', () => {
    const steps = fc.array(
      fc.record({
        verb: fc.constantFrom('come', 'known', 'leave'),
        pick: fc.nat(),
        client: fc.constantFrom('a', 'b', 'c'),
      }),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        (all, total, strangers) => {
          const inside = new Map<string, boolean>();
          const limits = { total, perClient: 3, strangers };
          const crowd = createCrowd<string>(limits, (visitor) => {
            expect(inside.get(visitor)).toBe(true);
            inside.delete(visitor);
            crowd.leave(visitor, clientOf(visitor));
          });
          all.forEach(({ verb, pick, client }, i) => {
            const one = [...inside.keys()][pick % Math.max(1, inside.size)];
            if (verb === 'come') {
              const visitor = `${client}${i}`;
              if (!crowd.makeRoom(client)) return;
              crowd.enter(visitor, client);
              inside.set(visitor, true);
            } else if (one !== undefined && verb === 'known') {
              crowd.known(one);
              inside.set(one, false);
            } else if (one !== undefined) {
              crowd.leave(one, clientOf(one));
              inside.delete(one);
            }
            const open = [...inside].filter(([, isStranger]) => isStranger).map(([visitor]) => visitor);
            expect([...crowd.strangers]).toEqual(open);
            expect(crowd.size).toBe(inside.size);
            expect(crowd.size).toBeLessThanOrEqual(total);
            expect(open.length).toBeLessThanOrEqual(strangers);
            for (const who of ['a', 'b', 'c'])
              expect(
                [...inside.keys()].filter((visitor) => clientOf(visitor) === who).length,
              ).toBeLessThanOrEqual(3);
          });
        },
      ),
    );
  });
});
