/**
 * The far side of the benchmark, one process, one port a kind of load:
 *   source  after 8 bytes (u64be n): n bytes, then FIN
 *   sink    after n bytes, the first 8 of which are n (u64be): 1 byte. Not at the FIN: ss-redir has no half-close.
 *   echo    answers every byte with itself
 *   socks5, http   a proxy without a user: whatever address it is asked for, it is that load itself, by the port. A proxy
 *           that goes there would be another process between, and decide in what pieces bytes come: microsocks' are of
 *           1 KiB, tinyproxy's of 4, and all that reads them is then busy with that.
 */
import type { Socket } from 'bun';

export const PORTS = { source: 9001, sink: 9002, echo: 9003, socks5: 9004, http: 9005 } as const;

const block = crypto.getRandomValues(Buffer.alloc(65536));
const filler = Buffer.concat(Array<Buffer>(16).fill(block));

/** What a connection is for. */
interface Work {
  /** undefined: a proxy's client that has not said where it wants to go. */
  load: Load | undefined;
  /** Bytes that are still to be sent, or to come; undefined until it is said how many. */
  owed: number | undefined;
}

type Client = Socket<Work>;

interface Load {
  data(socket: Client, chunk: Buffer): void;
  drain?(socket: Client): void;
}

function pour(socket: Client): void {
  const work = socket.data;
  while (work.owed! > 0) {
    const wanted = Math.min(work.owed!, filler.length);
    const taken = Math.max(0, socket.write(filler, 0, wanted));
    work.owed! -= taken;
    if (taken < wanted) return;
  }
  if (work.owed === 0) {
    work.owed = -1;
    socket.shutdown();
  }
}

const LOADS: Readonly<Record<number, Load>> = {
  [PORTS.source]: {
    data(socket, chunk) {
      socket.data.owed = Number(chunk.readBigUInt64BE(0));
      pour(socket);
    },
    drain: (socket) => void (socket.data.owed !== undefined && pour(socket)),
  },
  [PORTS.sink]: {
    data(socket, chunk) {
      const work = socket.data;
      work.owed = (work.owed ?? Number(chunk.readBigUInt64BE(0))) - chunk.length;
      if (work.owed === 0) socket.write('.');
    },
  },
  [PORTS.echo]: { data: (socket, chunk) => void socket.write(chunk) },
};

/** Says what is to be answered, and which load is wanted, if the client has said it all. A message comes as one piece. */
type Handshake = (chunk: Buffer) => { readonly answer: string; readonly port?: number };

const HANDSHAKES: Readonly<Record<number, Handshake>> = {
  // RFC 1928: the methods, then `5 | CONNECT | 0 | type | address | port`.
  [PORTS.socks5]: (chunk) =>
    chunk.length < 7
      ? { answer: '\x05\0' }
      : { answer: '\x05\0\0\x01\0\0\0\0\0\0', port: chunk.readUInt16BE(chunk.length - 2) },
  [PORTS.http]: (chunk) => ({
    answer: 'HTTP/1.1 200 OK\r\n\r\n',
    port: Number(/^CONNECT \S+:(\d+) /.exec(chunk.toString('latin1'))![1]),
  }),
};

function serve(hostname: string): void {
  for (const port of Object.values(PORTS)) {
    const handshake = HANDSHAKES[port];
    Bun.listen<Work>({
      hostname,
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => void (socket.data = { load: LOADS[port], owed: undefined }),
        data(socket, chunk) {
          const { load } = socket.data;
          if (load) return load.data(socket, chunk);
          const { answer, port: wanted } = handshake!(chunk);
          socket.write(Buffer.from(answer, 'latin1'));
          if (wanted !== undefined) socket.data.load = LOADS[wanted];
        },
        drain: (socket) => socket.data.load?.drain?.(socket),
        end: (socket) => void socket.end(),
      },
    });
  }
}

if (import.meta.main) {
  serve('0.0.0.0');
  process.stdout.write('listening\n');
}
