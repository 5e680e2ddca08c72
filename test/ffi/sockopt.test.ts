import { afterEach, describe, expect, test } from 'bun:test';
import { createServer, type AddressInfo } from 'node:net';
import { closeSync, openSync } from 'node:fs';
import { SystemError } from '../../ffi/errno.ts';
import { checked, libc } from '../../ffi/libc.ts';
import { readOption, resetOnClose, setIntOption, SO_RCVBUFFORCE, SO_SNDBUFFORCE } from '../../ffi/sockopt.ts';
import { encodeSockaddr } from '../../ffi/sockaddr.ts';
import { describeNeeding } from '../needs.ts';
import { getIntOption, SO_ERROR, SO_RCVBUF, SO_SNDBUF, TCP_NODELAY } from './int_options.ts';

const AF_INET = 2;
const SOCK_STREAM = 1;
const descriptors: number[] = [];

function tcpSocket(): number {
  const fd = checked('socket', libc.socket(AF_INET, SOCK_STREAM, 0));
  descriptors.push(fd);
  return fd;
}

afterEach(() => {
  for (const fd of descriptors.splice(0)) libc.close(fd);
});

describe('socket options', () => {
  test('that are ints read as they were set', () => {
    const fd = tcpSocket();
    expect(getIntOption(fd, TCP_NODELAY)).toBe(0);
    setIntOption(fd, TCP_NODELAY, 1);
    expect(getIntOption(fd, TCP_NODELAY)).toBe(1);
    expect(getIntOption(fd, SO_ERROR)).toBe(0);
  });

  test('of the buffers: the kernel doubles what was set', () => {
    const fd = tcpSocket();
    for (const option of [SO_SNDBUF, SO_RCVBUF]) {
      setIntOption(fd, option, 64 * 1024);
      expect(getIntOption(fd, option)).toBe(process.platform === 'linux' ? 128 * 1024 : 64 * 1024);
    }
  });

  test('fill the memory of the caller, and say how much of it', () => {
    const fd = tcpSocket();
    setIntOption(fd, TCP_NODELAY, 1);
    const into = new Uint8Array(16).fill(0xee);
    expect(readOption(fd, TCP_NODELAY, into)).toBe(4);
    expect([...into.subarray(0, 5)]).toEqual([1, 0, 0, 0, 0xee]);
  });

  test('fail with the name of the errno and of the option', () => {
    const file = openSync(import.meta.path, 'r');
    try {
      expect(thrownBy(() => getIntOption(file, SO_ERROR))).toMatchObject({
        code: 'ENOTSOCK',
        call: 'getsockopt',
        message: 'getsockopt: ENOTSOCK (SO_ERROR)',
      });
      expect(thrownBy(() => setIntOption(file, TCP_NODELAY, 1))).toMatchObject({
        code: 'ENOTSOCK',
        call: 'setsockopt',
      });
    } finally {
      closeSync(file);
    }
    expect(thrownBy(() => getIntOption(-1, SO_ERROR))).toMatchObject({ code: 'EBADF' });
    expect(thrownBy(() => resetOnClose(-1, true))).toMatchObject({ code: 'EBADF', call: 'setsockopt' });
    expect(thrownBy(() => readOption(-1, SO_ERROR, new Uint8Array(4)))).toMatchObject({ code: 'EBADF' });
  });

  test.each([1.5, 2 ** 31, -(2 ** 31) - 1, Number.NaN, Number.POSITIVE_INFINITY])(
    'refuse %p as an int',
    (value) => {
      expect(() => setIntOption(tcpSocket(), TCP_NODELAY, value)).toThrow(RangeError);
    },
  );
});

describeNeeding(['linux', 'root'], 'forced buffer sizes', () => {
  test.each([
    [SO_SNDBUF, SO_SNDBUFFORCE, 'wmem_max'],
    [SO_RCVBUF, SO_RCVBUFFORCE, 'rmem_max'],
  ] as const)('go past what the system allows (%o)', async (plain, force, limit) => {
    const fd = tcpSocket();
    const most = Number(await Bun.file(`/proc/sys/net/core/${limit}`).text());
    setIntOption(fd, plain, 2 * most);
    expect(getIntOption(fd, plain)).toBe(2 * most);
    setIntOption(fd, force, 2 * most);
    expect(getIntOption(fd, plain)).toBe(4 * most);
  });
});

describe('resetOnClose', () => {
  async function peerSees(reset: boolean): Promise<string | undefined> {
    const seen = Promise.withResolvers<string | undefined>();
    const server = createServer((socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => seen.resolve(error.code));
      socket.on('end', () => seen.resolve('end'));
      socket.resume();
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => void server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const fd = checked('socket', libc.socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr = encodeSockaddr({ family: 4, bytes: Uint8Array.of(127, 0, 0, 1), port });
    checked('connect', libc.connect(fd, sockaddr, sockaddr.length));
    resetOnClose(fd, true);
    if (!reset) resetOnClose(fd, false);
    const accepted = new Promise((resolve) => void server.on('connection', resolve));
    await accepted;
    checked('close', libc.close(fd));
    try {
      return await seen.promise;
    } finally {
      server.close();
    }
  }

  test('makes the peer see a reset', async () => {
    expect(await peerSees(true)).toBe('ECONNRESET');
  });

  test('is what makes the difference', async () => {
    expect(await peerSees(false)).toBe('end');
  });
});

function thrownBy(use: () => unknown): SystemError {
  try {
    use();
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
