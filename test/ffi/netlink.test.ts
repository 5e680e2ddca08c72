/** Linux only. Reads the machine's interfaces over rtnetlink (no privilege needed), and changes nothing. */
import { expect, test } from 'bun:test';
import { SystemError } from '../../ffi/errno.ts';
import { checked, libc } from '../../ffi/libc.ts';
import { Pinned } from '../../ffi/memory.ts';
import { openNetlink, type NetlinkSocket } from '../../ffi/netlink.ts';
import { describeNeeding } from '../needs.ts';
import { getLink, header, NETLINK_ROUTE, RTM_NEWLINK } from './rtnetlink.ts';

/** linux/netlink.h */
const NETLINK_USERSOCK = 2;
const NLMSG_ERROR = 2;

const SECOND = 1000;

function withSocket(bus: number, timeout: number, use: (socket: NetlinkSocket) => void): void {
  const socket = openNetlink(bus, timeout);
  try {
    use(socket);
  } finally {
    socket.close();
  }
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
  return 'no error';
}

describeNeeding(['linux'], 'openNetlink()', () => {
  test('asks the kernel and hears its answer', () => {
    withSocket(NETLINK_ROUTE, SECOND, (socket) => {
      socket.send(getLink(1, 77));
      const answer = socket.receive();
      expect(header(answer)).toMatchObject({ type: RTM_NEWLINK, sequence: 77, length: answer.length });
      expect(Buffer.from(answer).includes('lo\0')).toBe(true);
    });
  });

  test('gets errors with their text, without the request', () => {
    withSocket(NETLINK_ROUTE, SECOND, (socket) => {
      // An IFLA_EXT_MASK (29) of one byte where four are wanted.
      const message = new Uint8Array(40);
      message.set(getLink(1, 78));
      message.set([40, 0], 0);
      message.set([5, 0, 29, 0], 32);
      socket.send(message);
      const { type, view, length } = header(socket.receive());
      expect(type).toBe(NLMSG_ERROR);
      // ERANGE; NLM_F_CAPPED and NLM_F_ACK_TLVS: only the header of the request, then attributes.
      expect(view.getInt32(16, true)).toBe(-34);
      expect(view.getUint16(6, true) & 0x300).toBe(0x300);
      expect(length).toBeGreaterThan(16 + 4 + 16);
    });
  });

  test('has a port id of its own', () => {
    withSocket(NETLINK_ROUTE, SECOND, (a) => {
      withSocket(NETLINK_ROUTE, SECOND, (b) => {
        expect(a.portId).not.toBe(0);
        expect(b.portId).not.toBe(a.portId);
        a.send(getLink(1, 1));
        expect(header(a.receive()).view.getUint32(12, true)).toBe(a.portId);
      });
    });
  });

  test('waits no longer than it was told', () => {
    withSocket(NETLINK_ROUTE, 20, (socket) => {
      expect(codeOf(() => socket.receive())).toBe('EAGAIN');
    });
  });

  test('does not hear other processes', () => {
    withSocket(NETLINK_USERSOCK, 50, (socket) => {
      // struct sockaddr_nl: AF_NETLINK 16, the port id of the victim.
      const to = new Pinned(12);
      new DataView(to.bytes.buffer).setUint16(0, 16, true);
      new DataView(to.bytes.buffer).setUint32(4, socket.portId, true);
      const impostor = checked('socket', libc.socket(16, 3, NETLINK_USERSOCK));
      try {
        checked('connect', libc.connect(impostor, to.bytes, to.bytes.length));
        const message = getLink(1, 1);
        expect(Number(libc.send(impostor, message, message.length, 0))).toBe(message.length);
        expect(codeOf(() => socket.receive())).toBe('EAGAIN');
      } finally {
        libc.close(impostor);
      }
    });
  });

  test('refuses what is too large for one datagram, and a bus that is not there', () => {
    withSocket(NETLINK_ROUTE, SECOND, (socket) => {
      expect(codeOf(() => socket.send(new Uint8Array(64 * 1024 * 1024)))).toBe('EMSGSIZE');
    });
    expect(codeOf(() => openNetlink(31, SECOND))).toBe('EPROTONOSUPPORT');
  });

  test('may be closed twice, and is of no use then', () => {
    const socket = openNetlink(NETLINK_ROUTE, SECOND);
    socket.close();
    // The number of the descriptor is free again: a second close must not hit whoever got it.
    withSocket(NETLINK_ROUTE, SECOND, (other) => {
      socket.close();
      other.send(getLink(1, 5));
      expect(header(other.receive()).sequence).toBe(5);
    });
    expect(codeOf(() => socket.send(getLink(1, 1)))).toBe('EBADF');
    expect(codeOf(() => socket.receive())).toBe('EBADF');
  });

  test('hears the right answers while memory is collected and code compiled anew', () => {
    withSocket(NETLINK_ROUTE, SECOND, (socket) => {
      let wrong = 0;
      for (let i = 1; i <= 40_000; i++) {
        socket.send(getLink(1, i));
        const { type, sequence } = header(socket.receive());
        if (type !== RTM_NEWLINK || sequence !== i) wrong++;
        if (i % 4000 === 0) Bun.gc(true);
      }
      expect(wrong).toBe(0);
    });
  });
});
