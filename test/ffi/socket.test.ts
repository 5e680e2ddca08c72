import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { settle } from '../../ffi/fcntl.ts';
import { libc } from '../../ffi/libc.ts';
import { pinForever } from '../../ffi/memory.ts';
import { addressFamily } from '../../ffi/sockaddr.ts';
import { streamSocket, streamSocketPair } from '../../ffi/socket.ts';

const AF_UNIX = 1;
const cell = pinForever(8).bytes;

/** O_NONBLOCK and O_CLOEXEC of asm-generic/fcntl.h, as far as the descriptor has them; proc(5): octal. */
function flags(fd: number): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  return Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(text)![1]!, 8) & 0o2004000;
}

/** Calls `use` with sockets, and closes them. */
function using(sockets: readonly number[], use: (fd: number) => void): void {
  try {
    sockets.forEach(use);
  } finally {
    for (const fd of sockets) libc.close(fd);
  }
}

/** In the way of this system, and in the way of macOS: by fcntl. */
describe.each([
  ['at once', true],
  ['one after the other', false],
])('a socket whose flags are set %s', (_, atOnce) => {
  test('does not block and does not survive an exec', () => {
    using([streamSocket(addressFamily(4), atOnce), streamSocket(addressFamily(6), atOnce)], (fd) =>
      expect(flags(fd)).toBe(0o2004000),
    );
    using(streamSocketPair(AF_UNIX, cell, atOnce), (fd) => expect(flags(fd)).toBe(0o2004000));
  });

  test('of no known family is an error, and leaves no descriptor behind', () => {
    expect(() => streamSocket(255, atOnce)).toThrow('socket: EAFNOSUPPORT');
    expect(() => streamSocketPair(addressFamily(4), cell, atOnce)).toThrow('socketpair: EOPNOTSUPP');
  });
});

test('settle() keeps the flags that a descriptor has, and says whose descriptor there is none', () => {
  using([libc.socket(addressFamily(4), 1, 0)], (fd) => {
    expect(flags(fd)).toBe(0);
    settle(fd);
    settle(fd);
    expect(flags(fd)).toBe(0o2004000);
  });
  expect(() => settle(-1)).toThrow('fcntl: EBADF');
});

test('nobody is killed for writing to a socket that is closed: the runtime ignores SIGPIPE', () => {
  const [near, far] = streamSocketPair(AF_UNIX, cell);
  libc.close(far);
  try {
    expect(Number(libc.send(near, new Uint8Array(1), 1, 0))).toBe(-1);
  } finally {
    libc.close(near);
  }
});
