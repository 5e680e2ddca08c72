/**
 * struct sockaddr_in and sockaddr_in6 as bytes, on Linux and macOS. Pure.
 *
 * Linux, include/uapi/linux/in.h and in6.h: the family is a u16 at 0, host order.
 * macOS, xnu bsd/netinet/in.h and netinet6/in6.h: the length is a u8 at 0, the family a u8 at 1.
 * All else is at the same place on both. Every CPU that this runs on is little-endian.
 */

/** An address that a socket can have. */
export interface SocketAddress {
  readonly family: 4 | 6;
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array;
  /** 0..65535 */
  readonly port: number;
  /** sin6_scope_id: index of the interface that a link-local address is on. 0 or absent: none. */
  readonly scope?: number | undefined;
}

/** <bits/socket.h>, xnu bsd/sys/socket.h */
const AF_INET = 2;
const AF_INET6 = { linux: 10, darwin: 30 } as const;

const SIN_PORT = 2;
const SIN_ADDR = SIN_PORT + 2;
const SIN_ZERO = SIN_ADDR + 4;
const SIZEOF_SOCKADDR_IN = SIN_ZERO + 8;

const SIN6_PORT = 2;
const SIN6_FLOWINFO = SIN6_PORT + 2;
const SIN6_ADDR = SIN6_FLOWINFO + 4;
const SIN6_SCOPE_ID = SIN6_ADDR + 16;
const SIZEOF_SOCKADDR_IN6 = SIN6_SCOPE_ID + 4;

/** Room for either kind, in bytes. */
export const SOCKADDR_SIZE = SIZEOF_SOCKADDR_IN6;

/** AF_INET or AF_INET6. */
export function addressFamily(family: 4 | 6, platform: NodeJS.Platform = process.platform): number {
  if (family === 4) return AF_INET;
  return platform === 'darwin' ? AF_INET6.darwin : AF_INET6.linux;
}

/**
 * An address is often put together by hand; what would be cut to fit its field is refused here.
 * @throws RangeError if the number of address bytes, the port or the scope cannot be
 */
export function checkSocketAddress({ family, bytes, port, scope = 0 }: SocketAddress): void {
  if (bytes.length !== (family === 4 ? 4 : 16)) {
    throw new RangeError(`${bytes.length} bytes are no IPv${family} address`);
  }
  if (!isUnsigned(port, 0xffff)) throw new RangeError(`${port} is no port`);
  if (!isUnsigned(scope, 0xffffffff)) throw new RangeError(`${scope} is no interface index`);
}

/**
 * The address as C has it, 16 or 28 bytes that the caller owns.
 * @throws RangeError, see {@link checkSocketAddress}
 */
export function encodeSockaddr(
  address: SocketAddress,
  platform: NodeJS.Platform = process.platform,
): Uint8Array {
  checkSocketAddress(address);
  const { family, bytes, port, scope = 0 } = address;
  const sockaddr = new Uint8Array(family === 4 ? SIZEOF_SOCKADDR_IN : SIZEOF_SOCKADDR_IN6);
  const number = addressFamily(family, platform);
  sockaddr[0] = platform === 'darwin' ? sockaddr.length : number;
  sockaddr[1] = platform === 'darwin' ? number : 0;
  sockaddr[SIN_PORT] = port >>> 8;
  sockaddr[SIN_PORT + 1] = port;
  sockaddr.set(bytes, family === 4 ? SIN_ADDR : SIN6_ADDR);
  if (family === 6) {
    for (let i = 0; i < 4; i++) sockaddr[SIN6_SCOPE_ID + i] = scope >>> (8 * i);
  }
  return sockaddr;
}

/**
 * Reads what the kernel wrote. The result holds a copy of the address: `sockaddr` may be used again at once.
 * @param length bytes of `sockaddr` that count, as the kernel said
 * @returns undefined for another family, or if the bytes are too few for theirs
 */
export function decodeSockaddr(
  sockaddr: Uint8Array,
  length: number = sockaddr.length,
  platform: NodeJS.Platform = process.platform,
): SocketAddress | undefined {
  const available = Math.min(length, sockaddr.length);
  // A sockaddr_in is the smaller of the two: with fewer bytes there is nothing to look at.
  if (!(available >= SIZEOF_SOCKADDR_IN)) return undefined;
  const number = platform === 'darwin' ? sockaddr[1]! : sockaddr[0]! | (sockaddr[1]! << 8);
  const port = (sockaddr[SIN_PORT]! << 8) | sockaddr[SIN_PORT + 1]!;
  if (number === AF_INET) {
    if (platform === 'darwin' && sockaddr[0] !== SIZEOF_SOCKADDR_IN) return undefined;
    return { family: 4, bytes: sockaddr.slice(SIN_ADDR, SIN_ZERO), port, scope: 0 };
  }
  if (number !== addressFamily(6, platform) || available < SIZEOF_SOCKADDR_IN6) return undefined;
  if (platform === 'darwin' && sockaddr[0] !== SIZEOF_SOCKADDR_IN6) return undefined;
  let scope = 0;
  for (let i = 3; i >= 0; i--) scope = scope * 256 + sockaddr[SIN6_SCOPE_ID + i]!;
  return { family: 6, bytes: sockaddr.slice(SIN6_ADDR, SIN6_SCOPE_ID), port, scope };
}

function isUnsigned(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}
