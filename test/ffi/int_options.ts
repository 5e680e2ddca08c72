/** Options whose value is an int, for tests: those that every system has, and how to read one. */
import { readOption, type SocketOption } from '../../ffi/sockopt.ts';

const isDarwin = process.platform === 'darwin';
/** Linux: include/uapi/asm-generic/socket.h. macOS: xnu bsd/sys/socket.h. */
const SOL_SOCKET = isDarwin ? 0xffff : 1;
/** <netinet/in.h>, both */
const IPPROTO_TCP = 6;

export const SO_ERROR: SocketOption = { text: 'SO_ERROR', level: SOL_SOCKET, name: isDarwin ? 0x1007 : 4 };
/** Bytes; Linux reports twice what was set. */
export const SO_SNDBUF: SocketOption = { text: 'SO_SNDBUF', level: SOL_SOCKET, name: isDarwin ? 0x1001 : 7 };
export const SO_RCVBUF: SocketOption = { text: 'SO_RCVBUF', level: SOL_SOCKET, name: isDarwin ? 0x1002 : 8 };
/** 0 or 1. <netinet/tcp.h>, both */
export const TCP_NODELAY: SocketOption = { text: 'TCP_NODELAY', level: IPPROTO_TCP, name: 1 };

/** @throws SystemError; Error if the kernel's answer is no int */
export function getIntOption(fd: number, option: SocketOption): number {
  const value = new Int32Array(1);
  const length = readOption(fd, option, new Uint8Array(value.buffer));
  if (length !== 4) throw new Error(`${option.text} has ${length} bytes`);
  return value[0]!;
}
