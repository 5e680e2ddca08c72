/**
 * The C library: one table, opened once. Nobody calls a symbol from here directly but the wrappers beside this
 * file, one a symbol, which check lengths before the call and errno after it.
 */
import { FFIType, read, type Pointer } from 'bun:ffi';
import { SystemError } from './errno.ts';
import { openFirst } from './library.ts';
import { FCNTL, IOCTL } from './variadic.ts';

/** Functions that are there under the same name on Linux (glibc, musl) and macOS, and are called in the same way. */
const SHARED = {
  /** <sys/socket.h> `int socket(int domain, int type, int protocol)` */
  socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
  /** <sys/socket.h> `int socketpair(int domain, int type, int protocol, int sv[2])` */
  socketpair: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  /** <sys/socket.h> `int bind(int fd, const struct sockaddr *addr, socklen_t len)` */
  bind: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  /** <sys/socket.h> `int connect(int fd, const struct sockaddr *addr, socklen_t len)` */
  connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
  /** <sys/socket.h> `int getsockname(int fd, struct sockaddr *addr, socklen_t *len)` */
  getsockname: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  /** <sys/socket.h> `int getpeername(int fd, struct sockaddr *addr, socklen_t *len)` */
  getpeername: { args: ['i32', 'ptr', 'ptr'], returns: 'i32' },
  /** <sys/socket.h> `int getsockopt(int fd, int level, int name, void *value, socklen_t *len)` */
  getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  /** <sys/socket.h> `int setsockopt(int fd, int level, int name, const void *value, socklen_t len)` */
  setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
  /** <sys/socket.h> `ssize_t send(int fd, const void *buf, size_t len, int flags)` */
  send: { args: ['i32', 'ptr', 'usize', 'i32'], returns: FFIType.i64_fast },
  /** <sys/socket.h> `ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from, socklen_t *fromlen)` */
  recvfrom: { args: ['i32', 'ptr', 'usize', 'i32', 'ptr', 'ptr'], returns: FFIType.i64_fast },
  /** <unistd.h> `int close(int fd)` */
  close: { args: ['i32'], returns: 'i32' },
  ioctl: IOCTL,
  fcntl: FCNTL,
  /** <net/if.h> `unsigned int if_nametoindex(const char *name)` */
  if_nametoindex: { args: ['ptr'], returns: 'u32' },
  /** <sys/file.h> `int flock(int fd, int operation)` */
  flock: { args: ['i32', 'i32'], returns: 'i32' },
  /** <sys/resource.h> `int getrlimit(int resource, struct rlimit *limit)`; both fields are 64 bits wide */
  getrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  /** <sys/resource.h> `int setrlimit(int resource, const struct rlimit *limit)` */
  setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
} as const;

/** There is no file of this name since macOS 11; dlopen finds it in the shared cache. */
export const DARWIN_NAMES = ['/usr/lib/libSystem.B.dylib'];

/** What is one system's own stands in its branch: an executable for the other does not hold it. */
function open() {
  const reasons: string[] = [];
  if (process.platform === 'darwin') {
    /** <errno.h> `int *__error(void)` */
    const own = { __error: { args: [], returns: 'ptr' } } as const;
    const library = openFirst(DARWIN_NAMES, { ...SHARED, ...own }, reasons);
    if (library) return { ...library.symbols, errnoLocation: library.symbols.__error };
  } else {
    /** <errno.h> `int *__errno_location(void)` */
    const own = { __errno_location: { args: [], returns: 'ptr' } } as const;
    // glibc by its soname; musl by its loader, which is the whole C library.
    const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    const names = ['libc.so.6', `libc.musl-${arch}.so.1`, `/lib/ld-musl-${arch}.so.1`];
    const library = openFirst(names, { ...SHARED, ...own }, reasons);
    if (library) return { ...library.symbols, errnoLocation: library.symbols.__errno_location };
  }
  throw new Error(`no C library could be opened: ${reasons.join('; ')}`);
}

/** The raw symbols. Only for the wrappers in this folder. */
export const libc = open();

/** errno of this thread. Read it right after the call that failed: anything between may set it anew. */
export function errno(): number {
  return read.i32(libc.errnoLocation() as Pointer);
}

/** Passes a result through, or throws what errno says. */
export function checked(call: string, result: number, detail = ''): number {
  if (result < 0) throw new SystemError(call, errno(), detail);
  return result;
}
