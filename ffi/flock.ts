/** Locks on whole files, held by an open descriptor: the kernel lets go of them when the process ends, however it does. */
import { errno, libc } from './libc.ts';
import { SystemError, errnoName } from './errno.ts';

/** <sys/file.h>, the same on Linux and macOS */
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the exclusive lock of an open file, without waiting. It is held until the last descriptor of this open file
 * is closed, also one that a child inherited.
 * @returns false if somebody else holds it
 * @throws SystemError
 */
export function tryLock(fd: number): boolean {
  if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const reason = errno();
  // EWOULDBLOCK has the same number on both systems.
  if (errnoName(reason) === 'EAGAIN') return false;
  throw new SystemError('flock', reason);
}
