/** What the kernel does for us in this: /dev/pf, the ways to ask it, and the ends of a socket. Tests give one of their own. */
import { closeSync, openSync } from 'node:fs';
import { PADDED, rawIoctl, type CallingConvention } from '../../../ffi/ioctl.ts';
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import { localOf, peerOf } from '../../../ffi/socket_ends.ts';
import { explain } from '../../base/errors.ts';
import { NatlookError } from './natlook_error.ts';

export interface PfDevice {
  /** @returns a descriptor of pf, for reading. @throws Error with the errno's name as `code` */
  open(): number;
  close(fd: number): void;
  /** Ways to call ioctl, the best first. */
  conventions(): readonly CallingConvention[];
  /** The client of an accepted socket. @throws SystemError */
  peerOf(fd: number): SocketAddress;
  /** Our own end of it. @throws SystemError */
  localOf(fd: number): SocketAddress;
}

const PATH = '/dev/pf';
/** xnu bsd/sys/fcntl.h. The number of the runtime's own O_CLOEXEC is not to be had from it. */
const O_RDONLY = 0;
const O_CLOEXEC = 0x1000000;

/** This Mac's. */
export const systemPf: PfDevice = {
  // Enough for DIOCNATLOOK: xnu bsd/net/pf_ioctl.c, pfioctl, has it in the list of what needs no FWRITE.
  open: () => openSync(PATH, O_RDONLY | O_CLOEXEC),
  close: closeSync,
  conventions: () => [PADDED, rawIoctl()].filter((each) => each !== undefined),
  peerOf,
  localOf,
};

/** @throws NatlookError, with what the person at this Mac can do */
export function openPf(pf: PfDevice): number {
  try {
    return pf.open();
  } catch (cause) {
    const { code } = cause as { readonly code?: unknown };
    if (code === 'EACCES' || code === 'EPERM') throw refused(`${PATH} can't be opened`, cause);
    const text = `${PATH} can't be opened: ${code === 'ENOENT' ? 'there is none' : explain(cause)}`;
    throw new NatlookError('ERR_PF_UNAVAILABLE', text, {
      cause,
      hint: 'pf is a part of macOS. Where it is missing, or busy for good, restart; then look what `sudo pfctl -s info` says.',
    });
  }
}

/** The kernel won't let us. */
export function refused(what: string, cause: unknown): NatlookError {
  return new NatlookError('ERR_PF_PERMISSION', `${what}: the kernel refuses`, {
    cause,
    hint: 'Run the same command with sudo. If root is refused too, a policy of this Mac (MDM, a security product) keeps pf closed: `sudo pfctl -s info` says the same then.',
  });
}
