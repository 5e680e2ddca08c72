/** Asks pf by DIOCNATLOOK: exact, some microseconds, and from the first packet on. */
import { SystemError } from '../../../ffi/errno.ts';
import type { Ioctl } from '../../../ffi/ioctl.ts';
import { decodeNatlook, DIOCNATLOOK, encodeNatlook, SIZEOF_PFIOC_NATLOOK } from '../../../ffi/pf_natlook.ts';
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import type { Endpoint } from '../../net/address.ts';
import { NatlookError } from './natlook_error.ts';
import { refused } from './pf_device.ts';

/** Not the caller's to keep: the kernel writes its answer into it. */
const natlook = new Uint8Array(new ArrayBuffer(SIZEOF_PFIOC_NATLOOK));

/** What an error means, by its errno: xnu bsd/net/pf_ioctl.c, pfioctl and pfioctl_ioc_natlook. */
type Meaning = 'no state' | 'ambiguous' | 'refused' | 'misunderstood';
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: 'no state',
  E2BIG: 'ambiguous',
  EPERM: 'refused',
  // The pointer did not arrive.
  EFAULT: 'misunderstood',
  // The number, which has the size of the struct in it, is none that this kernel knows: from the layers above pf, from pf
  // for a descriptor that is open for reading only, and for one that is not.
  ENOTTY: 'misunderstood',
  EACCES: 'misunderstood',
  ENODEV: 'misunderstood',
};

/**
 * Where the connection between two ends wanted to go.
 * @param pf descriptor of /dev/pf
 * @param client the far end of the accepted socket, `local` our own
 * @returns undefined if pf has no such state; its bytes are the caller's
 * @throws NatlookError; SystemError for what has no meaning that we know
 */
export function natlookByIoctl(
  pf: number,
  ioctl: Ioctl,
  client: SocketAddress,
  local: SocketAddress,
): Endpoint | undefined {
  const error = ask(pf, ioctl, client, local);
  if (error === undefined) return answer(client.family);
  switch (MEANINGS[error.code]) {
    case 'no state':
      return undefined;
    case 'ambiguous':
      throw new NatlookError('ERR_NATLOOK_AMBIGUOUS', 'pf knows more than one such connection', {
        cause: error,
      });
    case 'refused':
      throw refused('pf does not tell where a connection wanted to go', error);
    case 'misunderstood':
      throw new NatlookError('ERR_NATLOOK_CALL', 'this kernel does not understand DIOCNATLOOK', {
        cause: error,
      });
    default:
      throw error;
  }
}

/**
 * Asks for a connection that there can't be. Whatever the kernel says to it, it has understood the question, unless this
 * throws.
 * @throws as {@link natlookByIoctl}
 */
export function tryNatlook(pf: number, ioctl: Ioctl): void {
  // TCP port 1 to itself: nobody connects from there. Zeroes would be refused as an invalid question.
  const nobody: SocketAddress = { family: 4, bytes: Uint8Array.of(127, 0, 0, 1), port: 1 };
  try {
    natlookByIoctl(pf, ioctl, nobody, nobody);
  } catch (error) {
    if (!(error instanceof NatlookError && error.status === 'ERR_NATLOOK_AMBIGUOUS')) throw error;
  }
}

/** @returns the kernel's error, undefined if `natlook` has an answer */
function ask(pf: number, ioctl: Ioctl, client: SocketAddress, local: SocketAddress): SystemError | undefined {
  let last: SystemError | undefined;
  // errno is read by a second call, which the engine's own calls may come before: what makes no sense is asked again.
  for (let attempt = 0; attempt < 2; attempt++) {
    encodeNatlook(client, local, natlook);
    try {
      ioctl(pf, DIOCNATLOOK, natlook);
      return undefined;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      last = error;
      if (error.code in MEANINGS) break;
    }
  }
  return last;
}

function answer(family: 4 | 6): Endpoint {
  const destination = decodeNatlook(natlook);
  // The struct came back as it went: the kernel has written elsewhere.
  if (destination?.family !== family)
    throw new NatlookError('ERR_NATLOOK_CALL', 'this kernel answers DIOCNATLOOK without an answer');
  return { address: { family, bytes: destination.bytes }, port: destination.port };
}
