/** The two ends of a connected socket. */
import { checked, libc } from './libc.ts';
import { pinForever } from './memory.ts';
import { decodeSockaddr, SOCKADDR_SIZE, type SocketAddress } from './sockaddr.ts';

const sockaddr = pinForever(SOCKADDR_SIZE).bytes;
/** `socklen_t *len`: in, the room; out, the bytes that there are. */
const length = new Uint32Array(pinForever(4).bytes.buffer);

/**
 * The far end of a connected TCP socket; its bytes are the caller's.
 * @throws SystemError: EBADF, ENOTCONN; on macOS also EINVAL for a connection that was reset
 */
export function peerOf(fd: number): SocketAddress {
  length[0] = SOCKADDR_SIZE;
  checked('getpeername', libc.getpeername(fd, sockaddr, length));
  return decoded('getpeername');
}

/**
 * Our own end; its bytes are the caller's.
 * @throws SystemError, as {@link peerOf}
 */
export function localOf(fd: number): SocketAddress {
  length[0] = SOCKADDR_SIZE;
  checked('getsockname', libc.getsockname(fd, sockaddr, length));
  return decoded('getsockname');
}

function decoded(call: string): SocketAddress {
  const address = decodeSockaddr(sockaddr, length[0]);
  if (address === undefined) throw new Error(`${call}: the socket's address is neither IPv4 nor IPv6`);
  return address;
}
