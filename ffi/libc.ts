/**
 * The C library: one table, opened once. Nobody calls a symbol from here directly but the wrappers beside this
 * file, one a symbol, which check lengths before the call and errno after it.
 */
import { FFIType, read, type FFITypeOrString, type Pointer } from 'bun:ffi';
import { SystemError } from './errno.ts';
import { openFirst } from './library.ts';

/**
 * Functions that are there under the same name and prototype on Linux (glibc, musl) and macOS. Of the two that are
 * variadic in C, ioctl and fcntl, see {@link variadic}.
 */
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
  /** <sys/ioctl.h> `int ioctl(int fd, unsigned long request, ...)`: one pointer more; musl's request is an int */
  ioctl: variadic('i32', 'u64', 'ptr'),
  /** <fcntl.h> `int fcntl(int fd, int cmd, ...)`: an int or a pointer more */
  fcntl: variadic('i32', 'i32', 'u64'),
  /** <net/if.h> `unsigned int if_nametoindex(const char *name)` */
  if_nametoindex: { args: ['ptr'], returns: 'u32' },
  /** <sys/file.h> `int flock(int fd, int operation)` */
  flock: { args: ['i32', 'i32'], returns: 'i32' },
  /** <sys/resource.h> `int getrlimit(int resource, struct rlimit *limit)`; both fields are 64 bits wide */
  getrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  /** <sys/resource.h> `int setrlimit(int resource, const struct rlimit *limit)` */
  setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
} as const;

/**
 * The prototype of a function of two named arguments and one variadic one, which is passed twice: as the third and as the
 * ninth argument. The third is where every calling convention but one looks for it (rdx, x2). Apple's for arm64 has
 * variadic arguments on the stack only, in slots of eight bytes ("Writing ARM64 code for Apple platforms"); the ninth
 * argument of a function that is not variadic is the first that no longer fits in x0 to x7, so it lies in that very slot.
 * All that pads is eight bytes wide, since that convention packs what is smaller. What a function doesn't look for is
 * ignored: on every one of these systems the caller clears the stack.
 */
function variadic<
  const A extends FFITypeOrString,
  const B extends FFITypeOrString,
  const C extends FFITypeOrString,
>(first: A, second: B, third: C) {
  return {
    args: [first, second, third, 'u64', 'u64', 'u64', 'u64', 'u64', third],
    returns: 'i32',
  } as const;
}

/** glibc and musl, <errno.h>: `int *__errno_location(void)` */
const LINUX = { ...SHARED, __errno_location: { args: [], returns: 'ptr' } } as const;
/** libSystem, <errno.h>: `int *__error(void)` */
const DARWIN = { ...SHARED, __error: { args: [], returns: 'ptr' } } as const;

const MUSL_ARCH = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** glibc by its soname; musl by its loader, which is the whole C library. */
const LINUX_NAMES = ['libc.so.6', `libc.musl-${MUSL_ARCH}.so.1`, `/lib/ld-musl-${MUSL_ARCH}.so.1`];
/** There is no file of this name since macOS 11; dlopen finds it in the shared cache. */
export const DARWIN_NAMES = ['/usr/lib/libSystem.B.dylib'];

function open() {
  const reasons: string[] = [];
  if (process.platform === 'darwin') {
    const library = openFirst(DARWIN_NAMES, DARWIN, reasons);
    if (library) return { ...library.symbols, errnoLocation: library.symbols.__error };
  } else {
    const library = openFirst(LINUX_NAMES, LINUX, reasons);
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
