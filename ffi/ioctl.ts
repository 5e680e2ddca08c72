/**
 * ioctl(2) with a pointer to memory that the kernel reads and writes, in two calling conventions, and the test that tells
 * which of them arrives on this machine.
 */
import { SystemError } from './errno.ts';
import { DARWIN_NAMES, errno, libc } from './libc.ts';
import { openFirst } from './library.ts';
import { socketPair } from './socketpair.ts';

/**
 * @param request with the size of the argument in it on macOS; an unsigned long, so above 2³¹ it is no negative number
 * @param argument memory of the caller, which the kernel may overwrite until this returns
 * @returns what the call returned, not negative
 * @throws SystemError
 */
export type Ioctl = (fd: number, request: number, argument: Uint8Array) => number;

/** A way to hand ioctl its pointer. */
export interface CallingConvention {
  /** For the log. */
  readonly name: string;
  readonly ioctl: Ioctl;
}

/** ioctl itself, its pointer passed where either kind of calling convention has it: see variadic.ts. */
export const PADDED: CallingConvention = {
  name: 'ioctl',
  ioctl: (fd, request, argument) =>
    outcome(libc.ioctl(fd, request, argument, 0, 0, 0, 0, 0, argument), request),
};

/**
 * The system call under libSystem's ioctl, which is not variadic: `int __ioctl(int, unsigned long, void *)`, generated from
 * xnu bsd/kern/syscalls.master. Nothing that Apple promises to keep.
 * @returns undefined where it is not there: on Linux
 */
export function rawIoctl(): CallingConvention | undefined {
  if (process.platform === 'darwin') {
    const prototype = { args: ['i32', 'u64', 'ptr'], returns: 'i32' } as const;
    const library = openFirst(DARWIN_NAMES, { __ioctl: prototype });
    return (
      library && {
        name: '__ioctl',
        ioctl: (fd, request, argument) => outcome(library.symbols.__ioctl(fd, request, argument), request),
      }
    );
  }
  return undefined;
}

function outcome(result: number, request: number): number {
  if (result < 0) throw new SystemError('ioctl', errno(), `0x${request.toString(16)}`);
  return result;
}

/** int: how many bytes wait to be read. macOS: `_IOR('f', 127, int)`, xnu bsd/sys/filio.h; Linux: asm-generic/ioctls.h. */
export const FIONREAD = process.platform === 'darwin' ? 0x4004667f : 0x541b;

/** Not a number that the memory may hold by chance, and each of its bytes counts. */
const QUEUED = 0x0203;

/**
 * Does the pointer arrive? A call whose pointer is read from the wrong place may fail, or write somewhere else and succeed;
 * so the kernel is asked for a number that we know, in memory that holds another one.
 * @returns why it doesn't, in words; undefined if it does
 * @throws SystemError if no socket can be had
 */
export function whyLost(ioctl: Ioctl): string | undefined {
  const [near, far] = socketPair();
  try {
    const sent = Number(libc.send(far, new Uint8Array(QUEUED), QUEUED, 0));
    if (sent !== QUEUED) throw new SystemError('send', errno(), `${sent} of ${QUEUED} bytes`);
    const count = new Int32Array(new ArrayBuffer(4)).fill(-1);
    const result = ioctl(near, FIONREAD, new Uint8Array(count.buffer));
    if (result !== 0) return `it returned ${result}`;
    return count[0] === QUEUED ? undefined : `it said ${count[0]} of ${QUEUED} bytes`;
  } catch (error) {
    if (error instanceof SystemError && error.call === 'ioctl') return error.message;
    throw error;
  } finally {
    libc.close(near);
    libc.close(far);
  }
}
