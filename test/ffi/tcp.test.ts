import { describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { libc } from '../../ffi/libc.ts';
import { startConnect } from '../../ffi/tcp.ts';

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
      // proc(5): octal; O_NONBLOCK and O_CLOEXEC of asm-generic/fcntl.h.
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
      expect(Number.parseInt(flags!, 8) & 0o2004000).toBe(0o2004000);
    } finally {
      libc.close(fd);
      server.close();
    }
  });

  test('throws what the kernel refuses at once', () => {
    // A broadcast address, which TCP has no use for: tcp(7).
    const broadcast = Uint8Array.of(255, 255, 255, 255);
    expect(() => startConnect(4, broadcast, 9)).toThrow(/^connect: E/);
  });
});
