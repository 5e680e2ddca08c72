import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { POLICIES } from '../../../src/config/config.ts';
import { createOrder, type Standing } from '../../../src/upstream/group/order.ts';
import { address } from '../../net/arbitrary.ts';

const to = (bytes: number[]) => ({
  address: { family: 4 as const, bytes: Uint8Array.from(bytes) },
  port: 443,
});
const ANY = to([192, 0, 2, 1]);

function standing(index: number, opening?: number, failureRate = 0): Standing {
  return { index, health: { opening, probing: undefined, failureRate } };
}

const indices = (standings: readonly Standing[]) => standings.map(({ index }) => index);

describe('the order of upstreams', () => {
  test.each([...POLICIES])('%s leaves none out and makes none up', (policy) => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(1000), { nil: undefined })), address, (latencies, where) => {
        const all = latencies.map((latency, index) => standing(index, latency));
        const order = createOrder(policy);
        for (let i = 0; i < 3; i++)
          expect(indices(order(all, { address: where, port: 1 })).sort((a, b) => a - b)).toEqual(
            indices(all),
          );
      }),
    );
  });

  test('failover is the order of the configuration', () => {
    expect(indices(createOrder('failover')([standing(0, 900), standing(1, 1)], ANY))).toEqual([0, 1]);
  });

  test('round-robin begins with each in turn', () => {
    const order = createOrder('round-robin');
    const all = [standing(0), standing(1), standing(2)];
    expect([0, 1, 2, 3].map(() => indices(order(all, ANY)))).toEqual([
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
    ]);
  });

  test('fastest changes only for one that is clearly faster, and failures cost', () => {
    const order = createOrder('fastest');
    expect(indices(order([standing(0, 100), standing(1, 90)], ANY))).toEqual([1, 0]);
    expect(indices(order([standing(0, 80), standing(1, 90)], ANY))).toEqual([1, 0]);
    expect(indices(order([standing(0, 60), standing(1, 90)], ANY))).toEqual([0, 1]);
    expect(indices(order([standing(0, 60, 0.5), standing(1, 90)], ANY))).toEqual([1, 0]);
    expect(indices(order([standing(0, 60, 0.5), standing(1, 90), standing(2)], ANY))[0]).toBe(2);
  });

  test('fastest goes by probes once there is one of each, and not before', () => {
    const order = createOrder('fastest');
    const of = (...probing: (number | undefined)[]) =>
      [1, 50].map((opening, index) => ({
        index,
        health: { opening, probing: probing[index], failureRate: 0 },
      }));
    expect(indices(order(of(undefined, 60), ANY))).toEqual([0, 1]);
    expect(indices(order(of(400, 60), ANY))).toEqual([1, 0]);
  });

  test('sticky keeps a destination where it is when another upstream goes, and shares destinations out', () => {
    const order = createOrder('sticky');
    const all = [standing(0), standing(1), standing(2)];
    const shares = [0, 0, 0];
    for (let i = 0; i < 300; i++) {
      const where = to([198, 51, i >> 8, i & 0xff]);
      const [first, second] = indices(order(all, where));
      shares[first!]!++;
      const left = all.filter(({ index }) => index !== first);
      expect(indices(order(left, where))[0]).toBe(second);
      const withoutSecond = all.filter(({ index }) => index !== second);
      expect(indices(order(withoutSecond, where))[0]).toBe(first);
    }
    for (const share of shares) expect(share).toBeWithin(60, 140);
  });
});
