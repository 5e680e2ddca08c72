/** errno: its names on both systems, and the error that carries one. */

/** Linux: include/uapi/asm-generic/errno-base.h and errno.h. Only those that this program can meet. */
const LINUX = {
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, EBADF: 9, EAGAIN: 11,
  ENOMEM: 12, EACCES: 13, EFAULT: 14, EBUSY: 16, EEXIST: 17, ENODEV: 19, ENOTDIR: 20, EISDIR: 21,
  EINVAL: 22, ENFILE: 23, EMFILE: 24, ENOTTY: 25, ENOSPC: 28, EPIPE: 32, ERANGE: 34, EPROTO: 71,
  EOVERFLOW: 75, ENOTSOCK: 88, EMSGSIZE: 90, ENOPROTOOPT: 92, EPROTONOSUPPORT: 93, EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97, EADDRINUSE: 98, EADDRNOTAVAIL: 99, ENETDOWN: 100, ENETUNREACH: 101,
  ECONNABORTED: 103, ECONNRESET: 104, ENOBUFS: 105, EISCONN: 106, ENOTCONN: 107, ETIMEDOUT: 110,
  ECONNREFUSED: 111, EHOSTUNREACH: 113, EALREADY: 114, EINPROGRESS: 115,
} as const; // prettier-ignore

type ErrnoCode = keyof typeof LINUX;

/** macOS: xnu bsd/sys/errno.h. */
const DARWIN: Readonly<Record<ErrnoCode | 'ENOTSUP', number>> = {
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, EBADF: 9, ENOMEM: 12,
  EACCES: 13, EFAULT: 14, EBUSY: 16, EEXIST: 17, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22,
  ENFILE: 23, EMFILE: 24, ENOTTY: 25, ENOSPC: 28, EPIPE: 32, ERANGE: 34, EAGAIN: 35,
  EINPROGRESS: 36, EALREADY: 37, ENOTSOCK: 38, EMSGSIZE: 40, ENOPROTOOPT: 42, EPROTONOSUPPORT: 43,
  ENOTSUP: 45, EAFNOSUPPORT: 47, EADDRINUSE: 48, EADDRNOTAVAIL: 49, ENETDOWN: 50, ENETUNREACH: 51,
  ECONNABORTED: 53, ECONNRESET: 54, ENOBUFS: 55, EISCONN: 56, ENOTCONN: 57, ETIMEDOUT: 60,
  ECONNREFUSED: 61, EHOSTUNREACH: 65, EOVERFLOW: 84, EPROTO: 100, EOPNOTSUPP: 102,
}; // prettier-ignore

/** The names by number. */
const NAMES = { linux: namesOf(LINUX), darwin: namesOf(DARWIN) };

/** The number of an errno on this system. */
export function errnoOf(code: ErrnoCode, platform: NodeJS.Platform = process.platform): number {
  return (platform === 'darwin' ? DARWIN : LINUX)[code];
}

/** The name of an errno value on this system, `errno 123` for one that is not in the table. */
export function errnoName(value: number, platform: NodeJS.Platform = process.platform): string {
  return NAMES[platform === 'darwin' ? 'darwin' : 'linux'].get(value) ?? `errno ${value}`;
}

function namesOf(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, value]) => [value, name]));
}

/** A C function failed. `call` is the function's name, `code` the errno's name. */
export class SystemError extends Error {
  readonly code: string;
  readonly call: string;
  readonly errno: number;

  constructor(call: string, errno: number, detail = '') {
    super(`${call}: ${errnoName(errno)}${detail && ` (${detail})`}`);
    this.name = 'SystemError';
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}
