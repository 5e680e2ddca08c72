/**
 * One snet a network: two would redirect each other's connections. A lock file per network namespace says who it is;
 * the kernel drops the lock when its process ends, in whatever way, so nothing has to be cleaned.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../ffi/flock.ts';
import { SnetError } from './errors.ts';

export type LockStatus =
  /** Another snet runs in this network. */
  | 'ERR_LOCKED'
  /** The lock file can't be made, or is not what it should be. */
  | 'ERR_RUN_FOLDER';

export class LockError extends SnetError<LockStatus> {}

export interface InstanceLock {
  /** Does nothing the second time. */
  release(): void;
}

/** Emptied at boot. The older name is that of systems without /run, macOS among them. */
const FOLDER = existsSync('/run') ? '/run/snet' : '/var/run/snet';

/** Path of a file of the one snet of this network. */
export function instanceFile(extension: 'lock' | 'sock', folder: string = FOLDER): string {
  return join(folder, `${networkName()}.${extension}`);
}

/**
 * Takes the lock of this network.
 * @param folder made if it isn't there, for us alone
 * @throws LockError, which names the process that has it
 */
export function acquireInstanceLock(folder: string = FOLDER): InstanceLock {
  const path = instanceFile('lock', ownFolder(folder));
  // A link could make us write to somebody else's file.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  let fd: number | undefined;
  try {
    fd = openSync(path, flags, 0o600);
    if (!fstatSync(fd).isFile()) throw new Error('it is no regular file');
    if (tryLock(fd)) {
      ftruncateSync(fd);
      // Only the pid: the command line may hold a link with a password.
      writeSync(fd, `${process.pid}\n`, 0);
      return releasing(fd);
    }
  } catch (cause) {
    if (fd !== undefined) closeSync(fd);
    throw new LockError('ERR_RUN_FOLDER', `the lock file ${path} can't be used`, { cause });
  }
  closeSync(fd);
  const pid = readFileSync(path, 'utf8').trim();
  throw new LockError('ERR_LOCKED', `another snet runs on this machine already${pid && `: process ${pid}`}`, {
    hint: pid === '' ? undefined : `Stop it with: sudo kill ${pid}`,
  });
}

function releasing(fd: number): InstanceLock {
  let held = true;
  return {
    release() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}

function ownFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    if (!found.isDirectory()) throw new Error('it is no folder');
    if (found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
      throw new Error('others may write to it');
  } catch (cause) {
    throw new LockError('ERR_RUN_FOLDER', `the folder ${folder} can't be used`, { cause });
  }
  return folder;
}

/** `net-4026531840`: Linux names a network namespace by the inode of its file; elsewhere there is one network. */
function networkName(): string {
  try {
    return readlinkSync('/proc/self/ns/net').replace(':', '-').replaceAll(/[[\]]/g, '');
  } catch {
    return 'net';
  }
}
