/**
 * Netlink sockets (netlink(7)), Linux only: datagrams to and from the kernel. What the bytes mean is the caller's
 * business; here they are sent whole, received whole, and known to be the kernel's.
 */
import { errno, checked, libc } from './libc.ts';
import { errnoOf, SystemError } from './errno.ts';
import { Pinned } from './memory.ts';
import { setIntOption, SO_RCVBUFFORCE, SO_SNDBUFFORCE, type SocketOption } from './sockopt.ts';

/** linux/socket.h, asm-generic/socket.h (the same on x86-64 and arm64), linux/netlink.h. */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const MSG_TRUNC = 0x20;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const EINTR = errnoOf('EINTR');
const EMSGSIZE = errnoOf('EMSGSIZE');

/** int, 0 or 1: errors come without the request that they are about. */
const NETLINK_CAP_ACK: SocketOption = { text: 'NETLINK_CAP_ACK', level: SOL_NETLINK, name: 10 };
/** int, 0 or 1: errors come with attributes that explain them. */
const NETLINK_EXT_ACK: SocketOption = { text: 'NETLINK_EXT_ACK', level: SOL_NETLINK, name: 11 };

/** linux/netlink.h: the bus of nf_tables, conntrack and their kin. */
export const NETLINK_NETFILTER = 12;

/** The kernel doubles it for its own bookkeeping; a batch of 25,000 IPv6 intervals takes 1.6 MB. */
const BUFFER_BYTES = 2 * 1024 * 1024;
/** No answer is larger: acknowledgements are small, and a dump is cut to the reader's buffer, at most 32 KiB. */
const ANSWER_BYTES = 64 * 1024;

/** struct sockaddr_nl: u16 family, u16 pad, u32 port id (0: the kernel), u32 groups. */
const SOCKADDR_NL = { size: 12, portId: 4 } as const;

export interface NetlinkSocket {
  /** The address of this socket on its bus; what the kernel calls the owner of what was made through it. */
  readonly portId: number;

  /**
   * Sends one datagram to the kernel, which acts on it before this returns. `message` is only read.
   * @throws SystemError, EMSGSIZE if the datagram is larger than the socket's buffer
   */
  send(message: Uint8Array): void;

  /**
   * Waits for the next datagram from the kernel; those of other senders are dropped.
   * @returns a view that the next call overwrites
   * @throws SystemError, EAGAIN when the time is up, ENOBUFS if the kernel had to drop answers
   */
  receive(): Uint8Array;

  /** Ends the socket, and the kernel with it whatever it owned. Does nothing the second time. */
  close(): void;
}

/**
 * Opens and binds a socket that reports errors in full (extended acknowledgement) without echoing requests.
 * @param bus protocol number, e.g. {@link NETLINK_NETFILTER}
 * @param timeout longest wait for an answer, in milliseconds
 * @throws SystemError, EPROTONOSUPPORT or EAFNOSUPPORT if this kernel has no such bus
 */
export function openNetlink(bus: number, timeout: number): NetlinkSocket {
  let fd = checked('socket', libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus), 'netlink');
  const answer = new Pinned(ANSWER_BYTES);
  const sender = new Pinned(SOCKADDR_NL.size);
  const senderSize = new Pinned(4);

  const close = () => {
    if (fd >= 0) libc.close(fd);
    fd = -1;
  };

  /** @returns length of the datagram, which may be more than was kept of it */
  const receiveAny = (): number => {
    for (;;) {
      words(senderSize)[0] = SOCKADDR_NL.size;
      const flags = MSG_TRUNC;
      const length = Number(
        libc.recvfrom(fd, answer.bytes, answer.bytes.length, flags, sender.bytes, senderSize.bytes),
      );
      if (length >= 0) return length;
      // A socket with a timeout is not restarted after a signal, whatever the handler's flags (signal(7)).
      const reason = errno();
      if (reason !== EINTR) throw new SystemError('recvfrom', reason, 'netlink');
    }
  };

  try {
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK]) setIntOption(fd, option, 1);
    for (const option of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) setBuffer(fd, option);
    setReceiveTimeout(fd, timeout);
    const portId = bindAnywhere(fd);
    return {
      portId,
      send(message) {
        const sent = checked('send', Number(libc.send(fd, message, message.length, 0)), 'netlink');
        if (sent !== message.length)
          throw new SystemError('send', EMSGSIZE, `${sent} of ${message.length} bytes`);
      },
      receive() {
        for (;;) {
          const length = receiveAny();
          if (words(sender)[SOCKADDR_NL.portId / 4] !== 0) continue;
          if (length > answer.bytes.length)
            throw new SystemError('recvfrom', EMSGSIZE, `a netlink answer of ${length} bytes`);
          return answer.bytes.subarray(0, length);
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Lets the kernel choose the port id. @returns it */
function bindAnywhere(fd: number): number {
  const address = new Pinned(SOCKADDR_NL.size);
  new DataView(address.bytes.buffer).setUint16(0, AF_NETLINK, true);
  checked('bind', libc.bind(fd, address.bytes, address.bytes.length), 'netlink');
  const size = new Pinned(4);
  words(size)[0] = address.bytes.length;
  checked('getsockname', libc.getsockname(fd, address.bytes, size.bytes), 'netlink');
  return words(address)[SOCKADDR_NL.portId / 4]!;
}

/**
 * Without CAP_NET_ADMIN the default size stays: whatever needs more is refused for the lack of that capability
 * anyway, and says so better.
 */
function setBuffer(fd: number, option: SocketOption): void {
  try {
    setIntOption(fd, option, BUFFER_BYTES);
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'EPERM')) throw error;
  }
}

/** struct timeval on 64-bit systems: i64 seconds, i64 microseconds. */
function setReceiveTimeout(fd: number, milliseconds: number): void {
  const { bytes } = new Pinned(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(milliseconds / 1000)), true);
  view.setBigInt64(8, BigInt((milliseconds % 1000) * 1000), true);
  checked('setsockopt', libc.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, bytes, bytes.length), 'SO_RCVTIMEO');
}

function words(pinned: Pinned): Uint32Array {
  return new Uint32Array(pinned.bytes.buffer);
}
