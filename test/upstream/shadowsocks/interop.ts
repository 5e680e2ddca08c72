/**
 * A program of its own for interop.test.ts, run inside a network namespace: `interop.ts METHOD`. It starts an origin
 * that speaks first and then echoes, and fetches from it through shadowsocks-libev's server with our client session,
 * and with shadowsocks-libev's client through our server session. Prints what came of it as JSON.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { lend, Pinned } from '../../../ffi/memory.ts';
import { Secret } from '../../../src/base/secret.ts';
import { formatAddress, formatEndpoint, formatHostPort, parseAddress } from '../../../src/net/address.ts';
import { Outbox, PIECE, type Session } from '../../../src/net/session.ts';
import type { Target } from '../../../src/upstream/shadowsocks/address.ts';
import { METHODS, type MethodName } from '../../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../../src/upstream/shadowsocks/shadowsocks.ts';
import { pattern } from './ends.ts';

const GREETING = Buffer.from('220 who is there?\r\n');
const UPLOAD = pattern(700_000);
const PASSWORD = 'correct horse 电池';
const EMPTY = new Pinned(1);

const name = process.argv.at(-1) as MethodName;
const protocol = createShadowsocksProtocol({
  method: METHODS[name],
  password: new Secret(PASSWORD),
  aead: 'auto',
});
const outbox = new Outbox();

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

async function listening(server: Server, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** Connects as soon as somebody listens. */
async function dial(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const worked = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (worked) return socket;
    await Bun.sleep(20);
  }
}

/** Waits for the greeting with nothing sent but a header, then uploads, and reads the echo to the end. */
async function converse(socket: Socket, session?: Session): Promise<{ greeted: boolean; echoed: boolean }> {
  const got: Buffer[] = [];
  let [length, sent, greeted] = [0, false, false];
  if (session) {
    outbox.end = 0;
    session.seal(EMPTY, 0, 0, outbox);
    socket.write(Buffer.from(outbox.bytes.subarray(0, outbox.end)));
  }
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const plain = session ? turned(session, 'open', chunk) : chunk;
    got.push(plain);
    length += plain.length;
    if (!sent && length >= GREETING.length) {
      greeted = GREETING.equals(Buffer.concat(got).subarray(0, GREETING.length));
      sent = true;
      for (let at = 0; at < UPLOAD.length; at += 200_001) {
        const piece = UPLOAD.subarray(at, at + 200_001);
        socket.write(session ? turned(session, 'seal', piece) : piece);
      }
    }
    if (length >= GREETING.length + UPLOAD.length) socket.end();
  }
  session?.openEnd();
  session?.dispose();
  return { greeted, echoed: Buffer.compare(Buffer.concat(got).subarray(GREETING.length), UPLOAD) === 0 };
}

function endpoint(text: string, port: number): Target {
  return { address: parseAddress(text)!, port };
}

const origin = createServer({ allowHalfOpen: true }, (socket) => {
  socket.write(GREETING);
  socket.pipe(socket);
  socket.on('error', () => socket.destroy());
});
const originPort = await listening(origin, '::');
const common = ['-k', PASSWORD, '-m', name];
const children: ReturnType<typeof Bun.spawn>[] = [];
const spawn = (argv: string[]) => children.push(Bun.spawn(argv, { stdout: 'ignore', stderr: 'inherit' }));
const results: object[] = [];

// Our client, their server.
spawn(['ss-server', '-s', '127.0.0.1', '-p', '18388', ...common]);
for (const target of [
  endpoint('10.9.0.1', originPort),
  endpoint('fd00:9::1', originPort),
  { name: 'localhost', port: originPort },
]) {
  const host = 'name' in target ? target.name : formatAddress(target.address);
  results.push({ client: 'snet', host, ...(await converse(await dial(18388), protocol.session(target))) });
}

// Their client, our server.
let asked = '';
const server = createServer({ allowHalfOpen: true }, (client) => {
  const session = protocol.serverSession();
  let remote: Socket | undefined;
  client.on('data', (chunk: Buffer) => {
    const plain = turned(session, 'open', chunk);
    if (!remote && session.target) {
      const { target } = session;
      asked = 'name' in target ? formatHostPort(target.name, target.port) : formatEndpoint(target);
      remote = connect({ port: session.target.port, host: '10.9.0.1', allowHalfOpen: true });
      remote.on('data', (reply: Buffer) => void client.write(turned(session, 'seal', reply)));
      remote.on('end', () => client.end());
    }
    if (plain.length > 0) remote?.write(plain);
  });
  client.on('end', () => remote?.end());
  client.on('error', () => remote?.destroy());
});
const ours = await listening(server, '127.0.0.1');
for (const [i, host] of ['10.9.0.1', 'fd00:9::1', 'origin.example'].entries()) {
  const port = 18400 + i;
  const where = host.includes(':') ? `[${host}]:${originPort}` : `${host}:${originPort}`;
  spawn(['ss-tunnel', '-s', '127.0.0.1', '-p', String(ours), '-l', String(port), '-L', where, ...common]);
  const { greeted, echoed } = await converse(await dial(port));
  results.push({ client: 'libev', host, asked: asked === where, greeted, echoed });
}

for (const child of children) child.kill();
await Promise.all(children.map((child) => child.exited));
origin.close();
server.close();
process.stdout.write(JSON.stringify({ provider: protocol.provider, results }));
process.exit(0);
