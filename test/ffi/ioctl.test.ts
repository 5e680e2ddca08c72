import { describe, expect, test } from 'bun:test';
import { SystemError } from '../../ffi/errno.ts';
import { FIONREAD, PADDED, rawIoctl, whyLost, type Ioctl } from '../../ffi/ioctl.ts';
import { libc } from '../../ffi/libc.ts';
import { socketPair } from '../../ffi/socketpair.ts';
import { testNeeding } from '../needs.ts';

describe('the padded ioctl', () => {
  test('arrives', () => expect(whyLost(PADDED.ioctl)).toBeUndefined());

  // Each argument kept in a variable of its own: hot code keeps nothing alive by chance.
  test('gives the right number every time, whatever is queued', () => {
    const [near, far] = socketPair();
    try {
      const count = new Uint32Array(new ArrayBuffer(4));
      const bytes = new Uint8Array(count.buffer);
      let queued = 0;
      let wrong = 0;
      for (let round = 0; round < 200_000; round++) {
        if (round % 10_000 === 0) {
          queued += Number(libc.send(far, new Uint8Array(31), 31, 0));
          Bun.gc(true);
        }
        count[0] = 0xdeadbeef;
        if (PADDED.ioctl(near, FIONREAD, bytes) !== 0 || count[0] !== queued) wrong++;
      }
      expect({ queued, wrong }).toEqual({ queued: 20 * 31, wrong: 0 });
    } finally {
      libc.close(near);
      libc.close(far);
    }
  });

  test('says what the kernel has against it', () => {
    const refusal = (fd: number, request: number) => {
      try {
        return PADDED.ioctl(fd, request, new Uint8Array(84));
      } catch (error) {
        return error instanceof SystemError ? error.message : error;
      }
    };
    expect(refusal(-1, FIONREAD)).toBe(`ioctl: EBADF (0x${FIONREAD.toString(16)})`);
    const [near, far] = socketPair();
    try {
      // DIOCNATLOOK: nothing that a socket knows of, and as an int it would be negative.
      expect(refusal(near, 0xc0544417)).toBe('ioctl: ENOTTY (0xc0544417)');
    } finally {
      libc.close(near);
      libc.close(far);
    }
  });
});

testNeeding(['linux'], 'there is no __ioctl where there is no libSystem', () =>
  expect(rawIoctl()).toBeUndefined(),
);
testNeeding(['macos'], 'the call below ioctl arrives as well', () =>
  expect(whyLost(rawIoctl()!.ioctl)).toBeUndefined(),
);

describe('whyLost()', () => {
  const throwing = (error: Error): Ioctl => {
    return () => {
      throw error;
    };
  };

  test.each<[name: string, ioctl: Ioctl, why: string]>([
    ['writes somewhere else', () => 0, 'it said -1 of 515 bytes'],
    ['writes less than an int', (_, __, into) => (into.set([3, 2]), 0), 'it said -65021 of 515 bytes'],
    [
      'says one byte too many',
      (fd, request, into) => {
        PADDED.ioctl(fd, request, into);
        into[0]!++;
        return 0;
      },
      'it said 516 of 515 bytes',
    ],
    ['returns something', () => 7, 'it returned 7'],
    ['fails', throwing(new SystemError('ioctl', 14)), 'ioctl: EFAULT'],
  ])('a call that %s', (_, ioctl, why) => expect(whyLost(ioctl)).toBe(why));

  test('lets other errors through', () =>
    expect(() => whyLost(throwing(new RangeError('ours')))).toThrow('ours'));

  test('leaves no descriptor behind', () => {
    const first = socketPair();
    first.forEach((fd) => libc.close(fd));
    for (let i = 0; i < 50; i++) whyLost(i % 2 ? PADDED.ioctl : () => 1);
    const last = socketPair();
    last.forEach((fd) => libc.close(fd));
    expect(last).toEqual(first);
  });
});
