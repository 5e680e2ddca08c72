/**
 * The far side of the benchmark, one process, one port a kind of load:
 *   source  after 8 bytes (u64be n): n bytes, then FIN
 *   sink    after n bytes, the first 8 of which are n (u64be): 1 byte. Not at the FIN: ss-redir has no half-close.
 *   echo    answers every byte with itself
 */
import type { Socket } from 'bun';

export const PORTS = { source: 9001, sink: 9002, echo: 9003 } as const;

const block = crypto.getRandomValues(Buffer.alloc(65536));
const filler = Buffer.concat(Array<Buffer>(16).fill(block));

interface Owed {
  bytes: number;
}

function pour(socket: Socket<Owed>): void {
  const owed = socket.data;
  while (owed.bytes > 0) {
    const wanted = Math.min(owed.bytes, filler.length);
    const taken = Math.max(0, socket.write(filler, 0, wanted));
    owed.bytes -= taken;
    if (taken < wanted) return;
  }
  if (owed.bytes === 0) {
    owed.bytes = -1;
    socket.shutdown();
  }
}

function serve(hostname: string): void {
  Bun.listen<Owed>({
    hostname,
    port: PORTS.source,
    allowHalfOpen: true,
    socket: {
      data(socket, chunk) {
        socket.data = { bytes: Number(chunk.readBigUInt64BE(0)) };
        pour(socket);
      },
      drain: (socket) => socket.data && pour(socket),
      end: (socket) => void socket.end(),
    },
  });
  Bun.listen<Owed | undefined>({
    hostname,
    port: PORTS.sink,
    allowHalfOpen: true,
    socket: {
      data(socket, chunk) {
        const owed = (socket.data ??= { bytes: Number(chunk.readBigUInt64BE(0)) });
        owed.bytes -= chunk.length;
        if (owed.bytes === 0) socket.write('.');
      },
      end: (socket) => void socket.end(),
    },
  });
  Bun.listen({
    hostname,
    port: PORTS.echo,
    allowHalfOpen: true,
    socket: {
      data: (socket, chunk) => void socket.write(chunk),
      end: (socket) => void socket.end(),
    },
  });
}

if (import.meta.main) {
  serve('0.0.0.0');
  process.stdout.write('listening\n');
}
