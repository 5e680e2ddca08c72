/** errno: its names on both systems, and the error that carries one. */

/** Linux: include/uapi/asm-generic/errno-base.h and errno.h. Only those that this program can meet. */
const LINUX: Readonly<Record<number, string>> = {
  1: 'EPERM', 2: 'ENOENT', 3: 'ESRCH', 4: 'EINTR', 5: 'EIO', 6: 'ENXIO', 7: 'E2BIG', 9: 'EBADF', 11: 'EAGAIN',
  12: 'ENOMEM', 13: 'EACCES', 14: 'EFAULT', 16: 'EBUSY', 17: 'EEXIST', 19: 'ENODEV', 20: 'ENOTDIR', 21: 'EISDIR',
  22: 'EINVAL', 23: 'ENFILE', 24: 'EMFILE', 25: 'ENOTTY', 28: 'ENOSPC', 32: 'EPIPE', 34: 'ERANGE', 71: 'EPROTO',
  75: 'EOVERFLOW', 88: 'ENOTSOCK', 90: 'EMSGSIZE', 92: 'ENOPROTOOPT', 93: 'EPROTONOSUPPORT', 95: 'EOPNOTSUPP',
  97: 'EAFNOSUPPORT', 98: 'EADDRINUSE', 99: 'EADDRNOTAVAIL', 100: 'ENETDOWN', 101: 'ENETUNREACH',
  103: 'ECONNABORTED', 104: 'ECONNRESET', 105: 'ENOBUFS', 106: 'EISCONN', 107: 'ENOTCONN', 110: 'ETIMEDOUT',
  111: 'ECONNREFUSED', 113: 'EHOSTUNREACH', 114: 'EALREADY', 115: 'EINPROGRESS',
}; // prettier-ignore

/** macOS: xnu bsd/sys/errno.h. */
const DARWIN: Readonly<Record<number, string>> = {
  1: 'EPERM', 2: 'ENOENT', 3: 'ESRCH', 4: 'EINTR', 5: 'EIO', 6: 'ENXIO', 7: 'E2BIG', 9: 'EBADF', 12: 'ENOMEM',
  13: 'EACCES', 14: 'EFAULT', 16: 'EBUSY', 17: 'EEXIST', 19: 'ENODEV', 20: 'ENOTDIR', 21: 'EISDIR', 22: 'EINVAL',
  23: 'ENFILE', 24: 'EMFILE', 25: 'ENOTTY', 28: 'ENOSPC', 32: 'EPIPE', 34: 'ERANGE', 35: 'EAGAIN',
  36: 'EINPROGRESS', 37: 'EALREADY', 38: 'ENOTSOCK', 40: 'EMSGSIZE', 42: 'ENOPROTOOPT', 43: 'EPROTONOSUPPORT',
  45: 'ENOTSUP', 47: 'EAFNOSUPPORT', 48: 'EADDRINUSE', 49: 'EADDRNOTAVAIL', 50: 'ENETDOWN', 51: 'ENETUNREACH',
  53: 'ECONNABORTED', 54: 'ECONNRESET', 55: 'ENOBUFS', 56: 'EISCONN', 57: 'ENOTCONN', 60: 'ETIMEDOUT',
  61: 'ECONNREFUSED', 65: 'EHOSTUNREACH', 84: 'EOVERFLOW', 100: 'EPROTO', 102: 'EOPNOTSUPP',
}; // prettier-ignore

/** The name of an errno value on this system, `errno 123` for one that is not in the table. */
export function errnoName(value: number, platform: NodeJS.Platform = process.platform): string {
  return (platform === 'darwin' ? DARWIN : LINUX)[value] ?? `errno ${value}`;
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
