/** A kernel with a pf of its own: what it is asked by ioctl is read from the struct's bytes, as pfvar.h lays them out. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { errnoOf, SystemError } from '../../../ffi/errno.ts';
import { FIONREAD, PADDED, type CallingConvention } from '../../../ffi/ioctl.ts';
import type { SocketAddress } from '../../../ffi/sockaddr.ts';
import { localOf, peerOf } from '../../../ffi/socket_ends.ts';
import type { PfDevice } from '../../../src/inbound/natlook/pf_device.ts';
import { formatAddress, unmapped } from '../../../src/net/address.ts';

export type Errno = Parameters<typeof errnoOf>[0];
/** Where a connection wanted to go; an error; or the struct as it came. */
export type Answer = SocketAddress | Errno | 'untouched';

export interface FakePf extends PfDevice {
  /** Descriptors of it that are open. */
  opened(): number;
  /** What it was asked: `CLIENT PORT to LOCAL PORT`. */
  readonly asked: string[];
}

/** @param answer to the question `CLIENT PORT to LOCAL PORT` */
export function fakePf(
  answer: (question: string) => Answer,
  conventions: readonly CallingConvention[] = [{ name: 'ioctl', ioctl: WORKS }],
): FakePf {
  const asked: string[] = [];
  const descriptors = new Set<number>();
  const natlook = (fd: number, request: number, struct: Uint8Array): number => {
    if (request === FIONREAD) return PADDED.ioctl(fd, request, struct);
    if (!descriptors.has(fd)) return fail('EBADF');
    if (request !== 0xc0544417) return fail('ENODEV');
    const [proto, variant, direction] = struct.subarray(81);
    if (proto !== 6 || variant !== 0 || direction !== 2) return fail('EINVAL');
    const question = `${endAt(struct, 0, 64)} to ${endAt(struct, 16, 68)}`;
    asked.push(question);
    const said = answer(question);
    if (said === 'untouched') return 0;
    if (typeof said === 'string') return fail(said);
    struct.set(said.bytes, 48);
    struct.set([said.port >> 8, said.port & 0xff], 76);
    return 0;
  };
  return {
    asked,
    opened: () => descriptors.size,
    open() {
      const fd = openSync('/dev/null', 'r');
      descriptors.add(fd);
      return fd;
    },
    close(fd) {
      fstatSync(fd);
      closeSync(fd);
      descriptors.delete(fd);
    },
    conventions: () =>
      conventions.map(({ name, ioctl }) => ({ name, ioctl: ioctl === WORKS ? natlook : ioctl })),
    peerOf,
    localOf,
  };
}

/** Stands for the ioctl that gets through. */
export const WORKS: CallingConvention['ioctl'] = () => 0;
/** The pointer is read from the wrong place, and what lies there can be written to. */
export const WRITES_ELSEWHERE: CallingConvention['ioctl'] = () => 0;
/** The same, and it can't. */
export const FAULTS: CallingConvention['ioctl'] = () => fail('EFAULT');

export function fail(code: Errno): never {
  throw new SystemError('ioctl', errnoOf(code));
}

/** As a question is noted; pf knows the ends of an IPv4 client of an IPv6 socket as IPv4. */
export function questionOf(...ends: [client: SocketAddress, local: SocketAddress]): string {
  return ends
    .map(({ family, bytes, port }) => `${formatAddress(unmapped({ family, bytes }))} ${port}`)
    .join(' to ');
}

function endAt(struct: Uint8Array, address: number, port: number): string {
  const family = struct[80] === 2 ? 4 : 6;
  if (family === 6 && struct[80] !== 30) fail('EAFNOSUPPORT');
  const bytes = struct.slice(address, address + (family === 4 ? 4 : 16));
  return `${formatAddress({ family, bytes })} ${(struct[port]! << 8) | struct[port + 1]!}`;
}
