/**
 * Calls every wrapper of the C library again and again, through all compilers and with collections in between, and
 * counts answers that are not what they must be.
 *
 * argv: how many rounds; stdout: {@link Outcome} as JSON
 */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemError } from '../../ffi/errno.ts';
import { settle } from '../../ffi/fcntl.ts';
import { tryLock } from '../../ffi/flock.ts';
import { FIONREAD, PADDED } from '../../ffi/ioctl.ts';
import { checked, libc } from '../../ffi/libc.ts';
import { pinForever } from '../../ffi/memory.ts';
import { openNetlink } from '../../ffi/netlink.ts';
import { fileLimit } from '../../ffi/rlimit.ts';
import { addressFamily, decodeSockaddr, encodeSockaddr, SOCKADDR_SIZE } from '../../ffi/sockaddr.ts';
import { localOf } from '../../ffi/socket_ends.ts';
import { readOption, setIntOption } from '../../ffi/sockopt.ts';
import { getIntOption, SO_ERROR, SO_RCVBUF, TCP_NODELAY } from './int_options.ts';
import { getLink, header, NETLINK_ROUTE, RTM_NEWLINK } from './rtnetlink.ts';

export interface Outcome {
  readonly rounds: number;
  readonly wrong: Readonly<Record<string, number>>;
}

const SOCK_STREAM = 1;
const LOOPBACK = { 4: Uint8Array.of(127, 0, 0, 1), 6: new Uint8Array(16).fill(1, 15) };

interface Bound {
  readonly fd: number;
  readonly family: 4 | 6;
  readonly port: number;
}

/** A TCP socket on a port of the kernel's choice. */
function bound(family: 4 | 6): Bound {
  const fd = checked('socket', libc.socket(addressFamily(family), SOCK_STREAM, 0));
  const sockaddr = encodeSockaddr({ family, bytes: LOOPBACK[family], port: 0 });
  checked('bind', libc.bind(fd, sockaddr, sockaddr.length));
  return { fd, family, port: ownAddress(fd)!.port };
}

const nameCell = pinForever(SOCKADDR_SIZE).bytes;
const nameLength = new Uint32Array(pinForever(4).bytes.buffer);

function ownAddress(fd: number) {
  nameLength[0] = SOCKADDR_SIZE;
  checked('getsockname', libc.getsockname(fd, nameCell, nameLength));
  return decodeSockaddr(nameCell, nameLength[0]);
}

/** The codes of calls that must fail, or `none`. */
function codeOf(use: () => unknown): string {
  try {
    use();
    return 'none';
  } catch (error) {
    return error instanceof SystemError ? error.code : String(error);
  }
}

const rounds = Number(process.argv[2]);
const sockets = [bound(4), bound(6), bound(4)];
const file = openSync('/dev/null', 'r');
const lockPath = join(tmpdir(), `snet-soak-${process.pid}`);
const lockFile = openSync(lockPath, 'a');
const sameLockFile = openSync(lockPath, 'a');
unlinkSync(lockPath);
const limit = fileLimit();
const netlink = process.platform === 'linux' ? openNetlink(NETLINK_ROUTE, 1000) : undefined;
const wrong: Record<string, number> = {};
expectSame('tryLock', tryLock(lockFile), true);
const kept: { readonly bytes: Uint8Array; readonly text: string }[] = [];

function expectSame(what: string, seen: unknown, expected: unknown): void {
  if (seen !== expected) wrong[what] = (wrong[what] ?? 0) + 1;
}

for (let i = 0; i < rounds; i++) {
  const { fd, family, port } = sockets[i % sockets.length]!;
  const on = i & 1;
  setIntOption(fd, TCP_NODELAY, on);
  expectSame('getIntOption', getIntOption(fd, TCP_NODELAY), on);

  // Fresh and small: the kind of array that moves.
  const into = new Uint8Array(4 + (i % 8));
  expectSame('readOption length', readOption(fd, TCP_NODELAY, into), 4);
  expectSame('readOption value', into[0], on);

  const name = ownAddress(fd);
  expectSame('getsockname port', name?.port, port);
  expectSame('getsockname bytes', String(name?.bytes), String(LOOPBACK[family]));
  if (i % 1000 === 0 && name) kept.push({ bytes: name.bytes, text: String(name.bytes) });

  if (i % 16 === 0) {
    const size = 8192 + (i % 4096) * 2;
    setIntOption(fd, SO_RCVBUF, size);
    expectSame('SO_RCVBUF', getIntOption(fd, SO_RCVBUF), process.platform === 'linux' ? 2 * size : size);
    expectSame('fileLimit', fileLimit().soft, limit.soft);
    expectSame('tryLock', tryLock(sameLockFile), false);
    settle(fd);
    expectSame('localOf', localOf(fd).port, port);
    // Nothing waits to be read from a socket that nobody has connected.
    const queued = new Uint8Array(8).fill(0xff);
    expectSame('ioctl', PADDED.ioctl(fd, FIONREAD, queued), 0);
    expectSame('bytes queued', String(queued), '0,0,0,0,255,255,255,255');
    netlink?.send(getLink(1, i));
    const answer = netlink && header(netlink.receive());
    expectSame('netlink', answer?.type, netlink && RTM_NEWLINK);
    expectSame('netlink sequence', answer?.sequence, netlink && i);
    expectSame(
      'ENOTSOCK',
      codeOf(() => getIntOption(file, SO_ERROR)),
      'ENOTSOCK',
    );
    expectSame(
      'EBADF',
      codeOf(() => readOption(-1, SO_ERROR, into)),
      'EBADF',
    );
    expectSame(
      'EINVAL',
      codeOf(() =>
        checked('bind', libc.bind(fd, encodeSockaddr({ family, bytes: LOOPBACK[family], port }), 3)),
      ),
      'EINVAL',
    );
  }
  if (i % 5000 === 0) Bun.gc(true);
}
for (const { bytes, text } of kept) expectSame('kept bytes', String(bytes), text);

netlink?.close();
for (const { fd } of sockets) libc.close(fd);
for (const fd of [file, lockFile, sameLockFile]) closeSync(fd);
const outcome: Outcome = { rounds, wrong };
process.stdout.write(JSON.stringify(outcome));
