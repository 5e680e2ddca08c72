/** Linux: connection tracking remembers where a redirected connection wanted to go; a socket option tells it. */
import { SystemError } from '../../ffi/errno.ts';
import { pinForever } from '../../ffi/memory.ts';
import { decodeSockaddr, SOCKADDR_SIZE } from '../../ffi/sockaddr.ts';
import { IP6T_SO_ORIGINAL_DST, readOption, SO_ORIGINAL_DST } from '../../ffi/sockopt.ts';
import type { Endpoint } from '../net/address.ts';

const sockaddr = pinForever(SOCKADDR_SIZE).bytes;

/**
 * Where the client of an accepted TCP connection wanted to go (net/netfilter/nf_conntrack_proto.c: getorigdst and
 * ipv6_getorigdst). A connection that nobody redirected but that is tracked has our own end as its answer: see
 * isOwnListener.
 *
 * @param fd of the accepted socket
 * @param family of the client: 4 also for an IPv4 client of an IPv6 socket
 * @returns undefined if the connection is not tracked (any more), so was not redirected; its bytes are the caller's
 * @throws SystemError for everything else: EBADF if the socket is closed already, ENOPROTOOPT if the kernel tracks
 *   no connections at all
 */
export function originalDestination(fd: number, family: 4 | 6): Endpoint | undefined {
  let length: number;
  try {
    length = readOption(fd, family === 4 ? SO_ORIGINAL_DST : IP6T_SO_ORIGINAL_DST, sockaddr);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const destination = decodeSockaddr(sockaddr, length);
  if (destination?.family !== family)
    throw new Error(`the kernel's original destination is not IPv${family}`);
  return { address: { family, bytes: destination.bytes }, port: destination.port };
}
