import { describe, expect, test } from 'bun:test';
import { settle } from '../../ffi/fcntl.ts';
import { libc } from '../../ffi/libc.ts';
import { pinForever } from '../../ffi/memory.ts';
import { addressFamily } from '../../ffi/sockaddr.ts';
import { streamSocket, streamSocketPair } from '../../ffi/socket.ts';
import { describeNeeding } from '../needs.ts';
import { flagsOf, SETTLED } from './descriptor_flags.ts';

const AF_UNIX = 1;
const cell = pinForever(8).bytes;

/** Calls `use` with sockets, and closes them. */
function using(sockets: readonly number[], use: (fd: number) => void): void {
  try {
    sockets.forEach(use);
  } finally {
    for (const fd of sockets) libc.close(fd);
  }
}

/** In the way of Linux, and in the way of macOS: by fcntl. */
describeNeeding(['linux'], 'a socket whose flags are set at once', () => behaves(true));
describe('a socket whose flags are set one after the other', () => behaves(false));

function behaves(atOnce: boolean): void {
  test('does not block and does not survive an exec', () => {
    using([streamSocket(addressFamily(4), atOnce), streamSocket(addressFamily(6), atOnce)], (fd) =>
      expect(flagsOf(fd)).toEqual(SETTLED),
    );
    using(streamSocketPair(AF_UNIX, cell, atOnce), (fd) => expect(flagsOf(fd)).toEqual(SETTLED));
  });

  test('of no known family is an error, and leaves no descriptor behind', () => {
    expect(() => streamSocket(255, atOnce)).toThrow(/^socket: E(?:AF|PROTO)NOSUPPORT$/);
    expect(() => streamSocketPair(addressFamily(4), cell, atOnce)).toThrow(
      /^socketpair: E(?:OPNOTSUPP|NOTSUP|PROTONOSUPPORT)$/,
    );
  });
}

test('settle() keeps the flags that a descriptor has, and says whose descriptor there is none', () => {
  using([libc.socket(addressFamily(4), 1, 0)], (fd) => {
    expect(flagsOf(fd)).toEqual({ nonBlocking: false, closeOnExec: false });
    settle(fd);
    settle(fd);
    expect(flagsOf(fd)).toEqual(SETTLED);
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
