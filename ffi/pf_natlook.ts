/**
 * struct pfioc_natlook of macOS (xnu bsd/net/pfvar.h), by which /dev/pf tells where a connection wanted to go before
 * `rdr` turned it. Pure: layout and numbers. FreeBSD and OpenBSD have other layouts under the same name.
 */
import { addressFamily, checkSocketAddress, type SocketAddress } from './sockaddr.ts';

/** struct pf_addr: an IPv4 address takes the first four bytes, the rest is zero. */
const SIZEOF_PF_ADDR = 16;
/** union pf_state_xport: the port is its first two bytes, network order; as wide as its `spi`. */
const SIZEOF_PF_STATE_XPORT = 4;

const SADDR = 0;
const DADDR = SADDR + SIZEOF_PF_ADDR;
const RSADDR = DADDR + SIZEOF_PF_ADDR;
const RDADDR = RSADDR + SIZEOF_PF_ADDR;
const SXPORT = RDADDR + SIZEOF_PF_ADDR;
const DXPORT = SXPORT + SIZEOF_PF_STATE_XPORT;
const RSXPORT = DXPORT + SIZEOF_PF_STATE_XPORT;
const RDXPORT = RSXPORT + SIZEOF_PF_STATE_XPORT;
const AF = RDXPORT + SIZEOF_PF_STATE_XPORT;
const PROTO = AF + 1;
const PROTO_VARIANT = PROTO + 1;
const DIRECTION = PROTO_VARIANT + 1;

/** In bytes: 84. */
export const SIZEOF_PFIOC_NATLOOK = DIRECTION + 1;

/** <netinet/in.h> */
const IPPROTO_TCP = 6;
/** pfvar.h, enum { PF_INOUT, PF_IN, PF_OUT }. PF_OUT finds the states of `rdr` on inbound packets; PF_IN does not. */
const PF_OUT = 2;

/** xnu bsd/sys/ioccom.h: `#define _IOWR(g,n,t) _IOC(IOC_INOUT, (g), (n), sizeof(t))` */
const IOC_INOUT = 0xc0000000;
const IOCPARM_MASK = 0x1fff;

/** `#define DIOCNATLOOK _IOWR('D', 23, struct pfioc_natlook)`. Above 2³¹: an unsigned long, never an int. */
export const DIOCNATLOOK =
  (IOC_INOUT | ((SIZEOF_PFIOC_NATLOOK & IOCPARM_MASK) << 16) | ('D'.charCodeAt(0) << 8) | 23) >>> 0;

/**
 * Asks for the state of one TCP connection that we have accepted.
 * @param client the peer's address and port
 * @param local our own end: the loopback address and the listener's port
 * @param into SIZEOF_PFIOC_NATLOOK bytes, all of which are overwritten
 * @throws RangeError if the ends are not of one family or cannot be, or `into` has another size
 */
export function encodeNatlook(client: SocketAddress, local: SocketAddress, into: Uint8Array): void {
  if (client.family !== local.family) {
    throw new RangeError(`a connection from IPv${client.family} to IPv${local.family}`);
  }
  if (into.length !== SIZEOF_PFIOC_NATLOOK) {
    throw new RangeError(`${into.length} bytes are no struct pfioc_natlook`);
  }
  into.fill(0);
  put(client, into, SADDR, SXPORT);
  put(local, into, DADDR, DXPORT);
  into[AF] = addressFamily(client.family, 'darwin');
  into[PROTO] = IPPROTO_TCP;
  into[DIRECTION] = PF_OUT;
}

/**
 * The original destination, from what the kernel made of the query. The result holds a copy of the address.
 * @returns undefined if the bytes are no answer: another size, an unknown family, or no port, as in a bare query
 */
export function decodeNatlook(natlook: Uint8Array): SocketAddress | undefined {
  if (natlook.length !== SIZEOF_PFIOC_NATLOOK) return undefined;
  const port = (natlook[RDXPORT]! << 8) | natlook[RDXPORT + 1]!;
  const family = ([4, 6] as const).find((each) => addressFamily(each, 'darwin') === natlook[AF]);
  if (family === undefined || port === 0) return undefined;
  return { family, bytes: natlook.slice(RDADDR, RDADDR + (family === 4 ? 4 : 16)), port };
}

function put(end: SocketAddress, into: Uint8Array, address: number, xport: number): void {
  checkSocketAddress(end);
  into.set(end.bytes, address);
  into[xport] = end.port >>> 8;
  into[xport + 1] = end.port;
}
