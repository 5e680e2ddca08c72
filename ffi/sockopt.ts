/** Socket options: their numbers on both systems, and the two calls that read and write them. */
import { SystemError } from './errno.ts';
import { checked, libc } from './libc.ts';
import { pinForever } from './memory.ts';

/** What getsockopt and setsockopt take two numbers for. */
export interface SocketOption {
  /** As in C, for messages. */
  readonly text: string;
  readonly level: number;
  readonly name: number;
}

/** Linux: include/uapi/asm-generic/socket.h. macOS: xnu bsd/sys/socket.h. */
const SOL_SOCKET = process.platform === 'darwin' ? 0xffff : 1;
/** include/linux/socket.h: SOL_IP, SOL_IPV6 */
const SOL_IP = 0;
const SOL_IPV6 = 41;
/** struct linger */
const SO_LINGER: SocketOption = {
  text: 'SO_LINGER',
  level: SOL_SOCKET,
  name: process.platform === 'darwin' ? 0x80 : 13,
};
/** Linux, int: bytes of the send buffer, past the limit of net.core.wmem_max; needs CAP_NET_ADMIN */
export const SO_SNDBUFFORCE: SocketOption = { text: 'SO_SNDBUFFORCE', level: SOL_SOCKET, name: 32 };
/** Linux, int: bytes of the receive buffer, past the limit of net.core.rmem_max; needs CAP_NET_ADMIN */
export const SO_RCVBUFFORCE: SocketOption = { text: 'SO_RCVBUFFORCE', level: SOL_SOCKET, name: 33 };
/** int: bytes of the receive buffer */
const SO_RCVBUF: SocketOption = {
  text: 'SO_RCVBUF',
  level: SOL_SOCKET,
  name: process.platform === 'darwin' ? 0x1002 : 8,
};
/** Linux, struct sockaddr_in. include/uapi/linux/netfilter_ipv4.h */
export const SO_ORIGINAL_DST: SocketOption = { text: 'SO_ORIGINAL_DST', level: SOL_IP, name: 80 };
/** Linux, struct sockaddr_in6. include/uapi/linux/netfilter_ipv6/ip6_tables.h */
export const IP6T_SO_ORIGINAL_DST: SocketOption = {
  text: 'IP6T_SO_ORIGINAL_DST',
  level: SOL_IPV6,
  name: 80,
};

/** `socklen_t *len`: in, the room; out, the bytes written. */
const length = new Uint32Array(pinForever(4).bytes.buffer);
const integer = new Int32Array(pinForever(4).bytes.buffer);
/** `struct linger { int l_onoff; int l_linger; }` */
const linger = new Int32Array(pinForever(8).bytes.buffer);

/**
 * Reads an option into memory of the caller.
 * @returns how many bytes of `into` were filled
 * @throws SystemError
 */
export function readOption(fd: number, option: SocketOption, into: Uint8Array): number {
  length[0] = into.byteLength;
  checked('getsockopt', libc.getsockopt(fd, option.level, option.name, into, length), option.text);
  return length[0];
}

/**
 * Writes an option that is an int.
 * @throws RangeError if `value` is none; SystemError
 */
export function setIntOption(fd: number, option: SocketOption, value: number): void {
  if ((value | 0) !== value) throw new RangeError(`${option.text}: ${value} is no 32-bit integer`);
  integer[0] = value;
  checked('setsockopt', libc.setsockopt(fd, option.level, option.name, integer, 4), option.text);
}

/**
 * How many bytes may wait in the kernel to be read; on Linux that counts some 700 for a datagram of 50. Without
 * CAP_NET_ADMIN, and on macOS, as many of them as the system's limit allows.
 * @throws SystemError
 */
export function setReceiveBuffer(fd: number, bytes: number): void {
  if (process.platform !== 'linux') return setIntOption(fd, SO_RCVBUF, bytes);
  try {
    setIntOption(fd, SO_RCVBUFFORCE, bytes);
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'EPERM')) throw error;
    setIntOption(fd, SO_RCVBUF, bytes);
  }
}

/**
 * What the close of a TCP socket means, however it comes about: true, a reset, with what was not sent yet thrown away;
 * false, an end in order, with the rest sent in the background (the system's own way). A linger time of zero means the
 * first on both systems.
 * @throws SystemError
 */
export function resetOnClose(fd: number, reset: boolean): void {
  linger[0] = reset ? 1 : 0;
  linger[1] = 0;
  checked('setsockopt', libc.setsockopt(fd, SO_LINGER.level, SO_LINGER.name, linger, 8), SO_LINGER.text);
}
