/** DNS over UDP: one socket, answers sent in batches. */
import type { udp } from 'bun';
import { setReceiveBuffer } from '../../../ffi/sockopt.ts';
import type { Resolve } from './resolve.ts';

export interface UdpServer {
  readonly port: number;
  close(): void;
}

/**
 * Answers that wait for the socket to be writable again; beyond that the oldest go. UDP loses datagrams anyhow, and
 * whoever misses one asks again.
 */
const MOST_UNSENT = 4_096;

/**
 * Bytes that wait in the kernel while this program is busy: room for 5,000 to 10,000 queries. Linux gives a socket room
 * for some 200 of itself, and whoever loses a query waits for seconds until it asks again. macOS allows 8 MiB.
 */
const RECEIVE_BUFFER = 4 << 20;

type Datagram = [bytes: Uint8Array, port: number, address: string];
const PARTS = 3;

/**
 * Answers on one address.
 * @param failed is told what a query or the socket threw; serving goes on
 * @throws (as rejection) what Bun throws if it can't bind, with `code`
 */
export async function serveUdp(
  hostname: string,
  port: number,
  resolve: Resolve,
  failed: (error: unknown) => void,
): Promise<UdpServer> {
  /** The parts of datagrams, one behind the other: as `sendMany` takes them. */
  let unsent: Datagram[number][] = [];
  let scheduled = false;

  // setImmediate runs when the loop has handed over all datagrams that had arrived: their answers leave by one
  // sendmmsg(2). A microtask would run after each datagram.
  function reply(socket: udp.Socket<'uint8array'>, bytes: Uint8Array, port: number, address: string): void {
    unsent.push(bytes, port, address);
    if (unsent.length > MOST_UNSENT * PARTS) unsent.splice(0, PARTS);
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      flush(socket);
    });
  }

  function flush(socket: udp.Socket<'uint8array'>): void {
    let retried = false;
    while (unsent.length > 0 && !socket.closed) {
      try {
        unsent = unsent.slice(socket.sendMany(unsent) * PARTS);
        // Where a batch ends early, its next datagram tells why: the socket is full (`drain` will come), or that one
        // can't be sent (its client is not reachable any more).
        if (unsent.length === 0 || !socket.send(...(unsent.slice(0, PARTS) as Datagram))) return;
      } catch (error) {
        // What ICMP said of an earlier datagram is told to the next send, which then has not sent anything.
        if (!retried && isRefused(error)) {
          retried = true;
          continue;
        }
        failed(error);
      }
      retried = false;
      unsent.splice(0, PARTS);
    }
  }

  const socket = await Bun.udpSocket<'uint8array'>({
    hostname,
    port,
    binaryType: 'uint8array',
    socket: {
      data(socket, message, port, address) {
        // Nobody can be answered at port 0 (RFC 768: no reply expected).
        if (port === 0) return;
        try {
          const answer = resolve(message, address, 'udp');
          if (answer === undefined) return;
          if (answer instanceof Uint8Array) return reply(socket, answer, port, address);
          answer.then((bytes) => reply(socket, bytes, port, address)).catch(failed);
        } catch (error) {
          failed(error);
        }
      },
      drain: flush,
      // Bun 1.4.5 gives the error alone; its types have the socket before it.
      error(...given: unknown[]) {
        const error = given.at(-1);
        // ICMP: a client has gone before its answer came. Nobody is left to be told.
        if (!isRefused(error)) failed(error);
      },
    },
  });
  // It is there, but missing in the types (Bun 1.4.5).
  setReceiveBuffer((socket as unknown as { readonly fd: number }).fd, RECEIVE_BUFFER);
  return { port: socket.port, close: () => socket.close() };
}

function isRefused(error: unknown): boolean {
  return (error as { code?: string } | undefined)?.code === 'ECONNREFUSED';
}
