/** What fcntl(2) says of a descriptor. The commands that ask have no argument, so that none can get lost on the way. */
import { checked, libc } from '../../ffi/libc.ts';

/** <fcntl.h>, the same on Linux and macOS. */
const F_GETFD = 1;
const F_GETFL = 3;
const FD_CLOEXEC = 1;
const O_NONBLOCK = process.platform === 'darwin' ? 4 : 0o4000;

export interface DescriptorFlags {
  readonly nonBlocking: boolean;
  readonly closeOnExec: boolean;
}

/** Of every socket of ours. */
export const SETTLED: DescriptorFlags = { nonBlocking: true, closeOnExec: true };

/** @throws SystemError */
export function flagsOf(fd: number): DescriptorFlags {
  const get = (command: number) => checked('fcntl', libc.fcntl(fd, command, 0, 0, 0, 0, 0, 0, 0));
  return { nonBlocking: (get(F_GETFL) & O_NONBLOCK) !== 0, closeOnExec: (get(F_GETFD) & FD_CLOEXEC) !== 0 };
}
