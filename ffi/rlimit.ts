/** How many file descriptors this process may have. */
import { readFileSync } from 'node:fs';
import { checked, libc } from './libc.ts';
import { pinForever } from './memory.ts';

export interface FileLimit {
  /** What the kernel enforces. */
  readonly soft: number;
  /** How far anybody may raise `soft`. Infinity where the kernel sets no bound. */
  readonly hard: number;
}

/** Linux: include/uapi/asm-generic/resource.h. macOS: xnu bsd/sys/resource.h. */
const RLIMIT_NOFILE = process.platform === 'darwin' ? 8 : 7;
const RLIM_INFINITY = process.platform === 'darwin' ? (1n << 63n) - 1n : (1n << 64n) - 1n;

/** More than that serves nobody, and some programs walk through all descriptors that are allowed to them. */
const MOST = 1_048_576;
/** xnu bsd/sys/syslimits.h: setrlimit(2) refuses a soft limit above it, whatever the hard one is. */
const DARWIN_OPEN_MAX = 10_240;

/** `struct rlimit { rlim_t rlim_cur; rlim_t rlim_max; }`, both u64. */
const cell = new BigUint64Array(pinForever(16).bytes.buffer);

/**
 * Raises the soft limit as far as this process may; on Linux, as root, the hard limit too. What cannot be raised
 * stays as it is.
 * @returns what is in force afterwards
 */
export function raiseFileLimit(): FileLimit {
  const before = fileLimit();
  const nrOpen = process.platform === 'linux' ? maximum() : 0;
  for (const wanted of raised(before, process.platform, nrOpen)) {
    if (set(wanted)) break;
  }
  return fileLimit();
}

/**
 * What to try, the best first. None lowers anything.
 * @param nrOpen what the kernel allows a process at most (Linux, fs.nr_open)
 */
export function raised(
  { soft, hard }: FileLimit,
  platform: NodeJS.Platform,
  nrOpen: number,
): readonly FileLimit[] {
  if (platform === 'darwin') {
    const most = Math.min(hard, DARWIN_OPEN_MAX);
    return most > soft ? [{ soft: most, hard }] : [];
  }
  const most = Math.min(nrOpen, MOST);
  return [
    ...(most > hard ? [{ soft: most, hard: most }] : []),
    ...(hard > soft ? [{ soft: hard, hard }] : []),
  ];
}

/** The limits in force. */
export function fileLimit(): FileLimit {
  checked('getrlimit', libc.getrlimit(RLIMIT_NOFILE, cell));
  return { soft: toNumber(cell[0]!), hard: toNumber(cell[1]!) };
}

/** @returns false if the kernel refused */
function set({ soft, hard }: FileLimit): boolean {
  cell[0] = toLimit(soft);
  cell[1] = toLimit(hard);
  return libc.setrlimit(RLIMIT_NOFILE, cell) === 0;
}

function toNumber(limit: bigint): number {
  return limit >= RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(limit);
}

function toLimit(limit: number): bigint {
  return limit === Number.POSITIVE_INFINITY ? RLIM_INFINITY : BigInt(limit);
}

function maximum(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/fs/nr_open', 'utf8'), 10) || 0;
  } catch {
    // No /proc: then the hard limit stays.
    return 0;
  }
}
