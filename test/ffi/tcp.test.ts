import { describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { libc } from '../../ffi/libc.ts';
import { startConnect } from '../../ffi/tcp.ts';
import { flagsOf, SETTLED } from './descriptor_flags.ts';

const LOOPBACK = { 4: Uint8Array.of(127, 0, 0, 1), 6: new Uint8Array(16).fill(1, 15) } as const;

describe('startConnect()', () => {
  test.each([4, 6] as const)('reaches a listener on loopback over IPv%d', async (family) => {
    const server = createServer();
    server.listen(0, family === 4 ? '127.0.0.1' : '::1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const fd = startConnect(family, LOOPBACK[family], (server.address() as AddressInfo).port);
    try {
      await accepted;
    } finally {
      libc.close(fd);
      server.close();
    }
  });

  test('gives a descriptor that nobody has to wait for, and that no child inherits', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fd = startConnect(4, LOOPBACK[4], (server.address() as AddressInfo).port);
    try {
      expect(flagsOf(fd)).toEqual(SETTLED);
    } finally {
      libc.close(fd);
      server.close();
    }
  });

  test('throws what the kernel refuses at once', () => {
    // A multicast address, which TCP has no use for: ENETUNREACH on Linux, EAFNOSUPPORT on macOS.
    const multicast = Uint8Array.of(224, 0, 0, 1);
    expect(() => startConnect(4, multicast, 9)).toThrow(/^connect: E/);
  });
});
