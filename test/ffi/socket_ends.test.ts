import { expect, test } from 'bun:test';
import { libc } from '../../ffi/libc.ts';
import { socketPair } from '../../ffi/socketpair.ts';
import { localOf, peerOf } from '../../ffi/socket_ends.ts';
import { openTcp } from '../../ffi/tcp.ts';
import { formatAddress } from '../../src/net/address.ts';
import { descriptor } from '../../src/net/socket.ts';
import type { SocketAddress } from '../../ffi/sockaddr.ts';

const text = (end: SocketAddress) => `${formatAddress(end)} ${end.port}`;

test.each(['127.0.0.1', '::1'])(
  'the ends of a connection to %s are what the runtime says',
  async (hostname) => {
    const accepted = Promise.withResolvers<Bun.Socket>();
    using server = Bun.listen({ hostname, port: 0, socket: { open: accepted.resolve, data() {} } });
    const client = await Bun.connect({ hostname, port: server.port, socket: { data() {} } });
    const near = await accepted.promise;
    const fd = descriptor(near);
    const ends = [peerOf(fd), localOf(fd)];
    // In memory of their own: the second call has not overwritten the first one's answer.
    expect(ends.map(text)).toEqual([`${hostname} ${client.localPort}`, `${hostname} ${server.port}`]);
    client.terminate();
    near.terminate();
  },
);

test('what has no such ends is an error', () => {
  expect(() => peerOf(-1)).toThrow('getpeername: EBADF');
  expect(() => localOf(-1)).toThrow('getsockname: EBADF');
  const tcp = openTcp(4);
  const [near, far] = socketPair();
  try {
    expect(() => peerOf(tcp)).toThrow('getpeername: ENOTCONN');
    expect(() => peerOf(near)).toThrow('getpeername: the socket');
  } finally {
    for (const fd of [tcp, near, far]) libc.close(fd);
  }
});
