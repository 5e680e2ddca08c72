/** What an open descriptor does when it would have to wait, and when the process starts another program. */
import { SystemError } from './errno.ts';
import { checked, DARWIN_NAMES, errno, libc } from './libc.ts';
import { openFirst } from './library.ts';

/** <fcntl.h>, the same on Linux and macOS */
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
/** Linux: asm-generic/fcntl.h. macOS: xnu bsd/sys/fcntl.h. */
const O_NONBLOCK = process.platform === 'darwin' ? 4 : 0o4000;

/** Calls fcntl(2) with an int. @returns what it returned, negative if it failed */
type Fcntl = (fd: number, command: number, argument: number) => number;

/** See variadic.ts. */
const padded: Fcntl = (fd, command, argument) => libc.fcntl(fd, command, argument, 0, 0, 0, 0, 0, argument);

/** The system call under libSystem's fcntl, which is not variadic: xnu bsd/kern/syscalls.master. */
function raw(): Fcntl | undefined {
  if (process.platform === 'darwin') {
    const prototype = { args: ['i32', 'i32', 'u64'], returns: 'i32' } as const;
    return openFirst(DARWIN_NAMES, { __fcntl: prototype })?.symbols.__fcntl;
  }
  return undefined;
}

let chosen: Fcntl | undefined;

/**
 * The descriptor doesn't survive an exec, and reads and writes that would have to wait fail with EAGAIN. For systems where
 * a socket can't be made so at once.
 * @throws SystemError, or Error if no call of fcntl does what it should
 */
export function settle(fd: number): void {
  chosen ??= [padded, raw()].find((fcntl) => fcntl !== undefined && gets(fcntl, fd));
  if (chosen === undefined) throw new Error('fcntl does not set what it is told to');
  checked('fcntl', chosen(fd, F_SETFD, FD_CLOEXEC), 'F_SETFD');
  const flags = checked('fcntl', chosen(fd, F_GETFL, 0), 'F_GETFL');
  checked('fcntl', chosen(fd, F_SETFL, flags | O_NONBLOCK), 'F_SETFL');
}

/**
 * Does the argument arrive? One that is lost on the way fails nothing, so the one flag is set both ways and read back: what
 * lies in place of the argument would be the same again.
 * @throws SystemError
 */
function gets(fcntl: Fcntl, fd: number): boolean {
  return [FD_CLOEXEC, 0, FD_CLOEXEC].every((flag) => {
    if (fcntl(fd, F_SETFD, flag) < 0) throw new SystemError('fcntl', errno(), 'F_SETFD');
    return fcntl(fd, F_GETFD, 0) === flag;
  });
}
