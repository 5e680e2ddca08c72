/** Conversations over real sockets, to compare with programs that nobody here wrote: one end is a session of ours. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { lend, Pinned } from '../../../ffi/memory.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { Outbox, PIECE, type Session } from '../../../src/net/session.ts';
import { formatTarget, type Target } from '../../../src/net/target.ts';

/** The origin's addresses, in the namespace that all this runs in. */
export const ORIGIN = { v4: '10.9.0.1', v6: 'fd00:9::1' } as const;

const GREETING = Buffer.from('220 who is there?\r\n');
const EMPTY = new Pinned(1);
const outbox = new Outbox();

export interface Heard {
  /** Whether the origin's greeting came before we had said anything. */
  readonly greeted: boolean;
  /** Whether what we said came back, to the last byte, and then, if that was waited for, an end. */
  readonly echoed: boolean;
}

/** What `verb` makes of one chunk of a socket; Bun's may be larger than a session takes at once. */
function turned(session: Session, verb: 'seal' | 'open', chunk: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < chunk.length; at += PIECE) {
    outbox.end = 0;
    const piece = chunk.subarray(at, at + PIECE);
    lend(piece, (span) => session[verb](span, 0, piece.length, outbox));
    pieces.push(outbox.bytes.slice(0, outbox.end));
  }
  return Buffer.concat(pieces);
}

/** What a session says before it has anything to say. */
export function header(session: Session): Buffer {
  outbox.end = 0;
  session.seal(EMPTY, 0, 0, outbox);
  return Buffer.from(outbox.bytes.subarray(0, outbox.end));
}

async function listening(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Greets, and echoes. @returns its port */
export async function startOrigin(): Promise<number> {
  const origin = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write(GREETING);
    socket.pipe(socket);
    socket.on('error', () => socket.destroy());
  });
  return listening(origin, '::');
}

/** Connects as soon as somebody listens. */
export async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  for (;;) {
    const socket = connect({ port, host, allowHalfOpen: true });
    const worked = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (worked) return socket;
    await Bun.sleep(20);
  }
}

/**
 * Waits for the greeting with nothing sent but a header, then uploads, and reads the echo to the end.
 * @param session what to speak; undefined: somebody else on the way does
 * @param isPatient ends only its own direction, and waits for the other's end
 */
export async function converse(
  socket: Socket,
  upload: Uint8Array,
  session?: Session,
  isPatient = true,
): Promise<Heard> {
  const got: Buffer[] = [];
  let [length, sent, greeted] = [0, false, false];
  if (session) socket.write(header(session));
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const plain = session ? turned(session, 'open', chunk) : chunk;
    got.push(plain);
    length += plain.length;
    if (!sent && length >= GREETING.length) {
      greeted = GREETING.equals(Buffer.concat(got).subarray(0, GREETING.length));
      sent = true;
      for (let at = 0; at < upload.length; at += 200_001) {
        const piece = upload.subarray(at, at + 200_001);
        socket.write(session ? turned(session, 'seal', piece) : piece);
      }
    }
    if (length < GREETING.length + upload.length) continue;
    if (isPatient) socket.end();
    else break;
  }
  session?.openEnd();
  session?.dispose();
  return { greeted, echoed: Buffer.compare(Buffer.concat(got).subarray(GREETING.length), upload) === 0 };
}

/** The server's end of any protocol. */
interface FarSession extends Session {
  readonly target: Target | undefined;
  readonly user: string | undefined;
}

/** A server of ours, that takes every target for the origin. */
export interface Serving {
  readonly port: number;
  /** Where the last client wanted to go, and who it was. */
  readonly asked: { readonly target: string; readonly user: string | undefined } | undefined;
}

/** @param tls the server's certificate and key, where it speaks within TLS */
export async function serve(
  protocol: { serverSession(): FarSession },
  tls?: { readonly cert: string; readonly key: string },
): Promise<Serving> {
  let asked: Serving['asked'];
  const options = { allowHalfOpen: true };
  const server = tls ? createTlsServer({ ...options, ...tls }, attend) : createServer(options, attend);
  function attend(client: Socket): void {
    const session = protocol.serverSession();
    let remote: Socket | undefined;
    let isDeaf = false;
    client.on('data', (chunk: Buffer) => {
      if (isDeaf) return;
      let plain: Buffer;
      try {
        plain = turned(session, 'open', chunk);
      } catch {
        isDeaf = true;
        return;
      }
      if (!remote && session.target) {
        asked = { target: formatTarget(session.target), user: session.user };
        remote = connect({ port: session.target.port, host: ORIGIN.v4, allowHalfOpen: true });
        remote.on('data', (reply: Buffer) => void client.write(turned(session, 'seal', reply)));
        remote.on('end', () => client.end());
      }
      if (plain.length > 0) remote?.write(plain);
    });
    client.on('end', () => (remote ?? client).end());
    client.on('error', () => remote?.destroy());
  }
  const port = await listening(server, '127.0.0.1');
  return {
    port,
    get asked() {
      return asked;
    },
  };
}

/** The origin, called by each kind of target. */
export function targets(port: number): { readonly host: string; readonly target: Target }[] {
  return [
    ...[ORIGIN.v4, ORIGIN.v6].map((host) => ({ host, target: { address: parseAddress(host)!, port } })),
    { host: 'localhost', target: { name: 'localhost', port } },
  ];
}
