import { describe, expect, test } from 'bun:test';
import { createInFlight, InFlightError } from '../../../src/dns/cache/in_flight.ts';

const copy = (bytes: Uint8Array): Uint8Array => bytes.slice();

/** A start that the test ends, and counts. */
function asking() {
  const ends: PromiseWithResolvers<Uint8Array>[] = [];
  return {
    ends,
    start: () => {
      const end = Promise.withResolvers<Uint8Array>();
      ends.push(end);
      return end.promise;
    },
  };
}

describe('what is in flight', () => {
  test('is asked once, and everyone gets bytes of their own', async () => {
    const inFlight = createInFlight(copy, 100);
    const { ends, start } = asking();
    const all = Array.from({ length: 5 }, () => inFlight.once('a', start));
    const other = inFlight.once('b', start);
    expect(inFlight.waiting).toBe(6);
    expect(ends.length).toBe(2);
    // Whoever comes first spoils its bytes at once.
    const spoilt = all.map((one) =>
      one.then((bytes) => {
        const seen = [...bytes];
        bytes.fill(0);
        return seen;
      }),
    );
    ends[0]!.resolve(Uint8Array.of(1, 2, 3));
    expect(await Promise.all(spoilt)).toEqual(all.map(() => [1, 2, 3]));
    expect(inFlight.waiting).toBe(1);
    ends[1]!.resolve(Uint8Array.of(4));
    expect(await other).toEqual(Uint8Array.of(4));
    expect(inFlight.waiting).toBe(0);
  });

  test('is asked anew once it has settled', async () => {
    const inFlight = createInFlight(copy, 100);
    let times = 0;
    const start = async () => Uint8Array.of(++times);
    expect(await inFlight.once('a', start)).toEqual(Uint8Array.of(1));
    expect(await inFlight.once('a', start)).toEqual(Uint8Array.of(2));
  });

  test('fails for all who wait, also if it fails to start, and is asked anew', async () => {
    const inFlight = createInFlight(copy, 100);
    const reason = new Error('nobody answers');
    const starts: (() => Promise<Uint8Array>)[] = [
      () => Promise.reject(reason),
      () => {
        throw reason;
      },
    ];
    for (const start of starts) {
      const settled = await Promise.allSettled([inFlight.once('a', start), inFlight.once('a', start)]);
      expect(settled).toEqual([
        { status: 'rejected', reason },
        { status: 'rejected', reason },
      ]);
      expect(inFlight.waiting).toBe(0);
      expect(await inFlight.once('a', async () => Uint8Array.of(1))).toEqual(Uint8Array.of(1));
    }
  });

  test('is bounded, and takes more when some are done', async () => {
    const inFlight = createInFlight(copy, 2);
    const { ends, start } = asking();
    const first = [inFlight.once('a', start), inFlight.once('a', start)];
    const refused = inFlight.once('b', start);
    expect(refused).rejects.toBeInstanceOf(InFlightError);
    expect(refused).rejects.toMatchObject({ status: 'ERR_DNS_BUSY' });
    await refused.catch(() => {});
    expect(ends.length).toBe(1);
    ends[0]!.resolve(Uint8Array.of(1));
    await Promise.all(first);
    expect(await inFlight.once('b', async () => Uint8Array.of(2))).toEqual(Uint8Array.of(2));
  });
});
