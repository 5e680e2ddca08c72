/** What the Go program does with TLS records, and a look at those that pass. */
import { connect, createServer, type AddressInfo } from 'node:net';

const APPLICATION_DATA = 0x17;
const RECORD_HEADER = 5;
/** Of TLS 1.3: the content's type, and the tag (RFC 8446 §5.2). */
const RECORD_OVERHEAD = 1 + 16;

export interface Splice extends Disposable {
  readonly port: number;
  /** Sizes of what the client's records have in them since they are encrypted, its Finished first (TLS 1.3). */
  readonly records: readonly number[];
}

/** Carries one connection to a port of 127.0.0.1, and looks at it. */
export async function startSplice(port: number): Promise<Splice> {
  const records: number[] = [];
  let seen = Buffer.alloc(0);
  const server = createServer((client) => {
    const far = connect(port, '127.0.0.1');
    client.on('data', (bytes: Buffer) => {
      seen = Buffer.concat([seen, bytes]);
      while (seen.length >= RECORD_HEADER) {
        const end = RECORD_HEADER + seen.readUInt16BE(3);
        if (seen.length < end) break;
        if (seen[0] === APPLICATION_DATA) records.push(end - RECORD_HEADER - RECORD_OVERHEAD);
        seen = seen.subarray(end);
      }
    });
    client.pipe(far).pipe(client);
    for (const one of [client, far]) one.on('error', () => one.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, records, [Symbol.dispose]: () => server.close() };
}

/** Cuts what arrived as it was cut into records. */
export function inRecords(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) break;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/**
 * The Go program's server: one read a field, which gives no more than the record at hand still has, and is not looked
 * at for how much that was.
 * @returns where it connects to, as net.Dial is told, and what it passes on
 * @throws Error for a token that it doesn't know
 */
export function oldServer(records: readonly Uint8Array[], token: string): { to: string; rest: Uint8Array } {
  const waiting = [...records];
  const read = (size: number) => {
    const field = Buffer.alloc(size);
    const record = waiting.shift() ?? new Uint8Array(0);
    field.set(record.subarray(0, size));
    if (record.length > size) waiting.unshift(record.subarray(size));
    return field;
  };
  if (read(read(2).readUInt16BE()).toString() !== token) throw new Error('invalid token');
  const host = read(read(2).readUInt16BE()).toString();
  return { to: `${host}:${read(2).readUInt16BE()}`, rest: Buffer.concat(waiting) };
}
