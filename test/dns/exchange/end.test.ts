import { expect, test } from 'bun:test';
import { WaitEnd } from '../../../src/dns/exchange/end.ts';
import { onAbort } from '../../../src/dns/exchange/gate.ts';

// What is said of an AbortSignal must be so of the stand-in, and the other way round.
test.each([
  [
    'WaitEnd',
    () => {
      const end = new WaitEnd();
      return { signal: end, abort: () => end.abort() };
    },
  ],
  [
    'AbortSignal',
    () => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort() };
    },
  ],
] as const)('%s tells each that listens once, and nobody who left', (_, make) => {
  const { signal, abort } = make();
  const told: string[] = [];
  onAbort(signal, () => void told.push('first'));
  const leave = onAbort(signal, () => void told.push('left'));
  // One that leaves while it is told keeps nobody from being told.
  const leaveLater = onAbort(signal, () => {
    leaveLater();
    told.push('second');
  });
  onAbort(signal, () => void told.push('third'));
  leave();
  expect(signal.aborted).toBe(false);
  abort();
  abort();
  expect(signal.aborted).toBe(true);
  expect(told).toEqual(['first', 'second', 'third']);
  onAbort(signal, () => void told.push('late'));
  expect(told.at(-1)).toBe('late');
});
