/**
 * The origins of the lab, one program: HTTP and a few small TCP services, on all addresses of its namespace. Says on
 * stdout, one {@link Seen} as JSON a line, whom it saw.
 */
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { DRIP_MS, HTTP10_BODY, PORTS, type Seen } from './services.ts';

const BLOCK = 1024 * 1024;

/** Bytes of bulks that somebody has taken off us. */
let sent = 0;
const stalled: Socket[] = [];
const gathered: (() => void)[] = [];

function log(seen: Seen): void {
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

/** An IPv4 peer of a dual-stack listener comes as ::ffff:a.b.c.d. */
function plain(address: string | undefined): string {
  return (address ?? 'gone').replace(/^::ffff:/, '');
}

function serve(port: number, handle: (socket: Socket, peer: string) => void): void {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = plain(socket.remoteAddress);
    log({ port, peer });
    socket.on('error', () => socket.destroy());
    handle(socket, peer);
  });
  server.listen(port, '::');
}

/** Reads to the end, logs what it was, and ends as well. */
function drain(socket: Socket, port: number): void {
  const peer = plain(socket.remoteAddress);
  const hash = createHash('sha256');
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  socket.on('end', () => {
    log({ port, peer, bytes, sha256: hash.digest('hex') });
    socket.end();
  });
}

/** Random bytes, made as they are taken. `done` has their hash. */
function bulk(bytes: number, done: (hash: Hash) => void): ReadableStream<Uint8Array> {
  const hash = createHash('sha256');
  let left = bytes;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const block = randomBytes(Math.min(BLOCK, left));
      left -= block.length;
      sent += block.length;
      hash.update(block);
      controller.enqueue(block);
      if (left > 0) return;
      controller.close();
      done(hash);
    },
  });
}

async function digest(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body ?? []) hash.update(chunk);
  return hash.digest('hex');
}

/** Resolves once `count` calls wait. */
function gather(count: number): Promise<void> {
  return new Promise((resolve) => {
    gathered.push(resolve);
    if (gathered.length >= count) for (const go of gathered.splice(0)) go();
  });
}

async function answer(request: Request, peer: string): Promise<Response> {
  const [, service, ...args] = new URL(request.url).pathname.split('/');
  switch (service) {
    case '':
      return new Response(`${peer}\n`);
    case 'bulk': {
      const bytes = Number(args[0]);
      const finished = (hash: Hash) => log({ port: PORTS.http, peer, bytes, sha256: hash.digest('hex') });
      return new Response(bulk(bytes, finished), { headers: { 'content-length': String(bytes) } });
    }
    case 'sent':
      return new Response(`${sent}\n`);
    case 'sink':
      return new Response(`${await digest(request.body)}\n`);
    case 'gather':
      await gather(Number(args[0]));
      return new Response(`${args[1]}\n`);
    case 'release':
      for (const socket of stalled.splice(0)) drain(socket, PORTS.stalled);
      return new Response('released\n');
    default:
      return new Response('no such service\n', { status: 404 });
  }
}

Bun.serve({
  hostname: '::',
  port: PORTS.http,
  idleTimeout: 0,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  fetch(request, server) {
    const peer = plain(server.requestIP(request)?.address);
    log({ port: PORTS.http, peer });
    return answer(request, peer);
  },
});

serve(PORTS.echo, (socket) => void socket.pipe(socket));
serve(PORTS.discard, (socket) => drain(socket, PORTS.discard));
serve(PORTS.stalled, (socket) => void stalled.push(socket));
serve(PORTS.drip, (socket) => {
  const timer = setInterval(() => socket.write('.'), DRIP_MS);
  socket.on('close', () => clearInterval(timer));
});
serve(PORTS.greeter, (socket, peer) => {
  socket.write(`220 ${peer}\r\n`);
  socket.on('data', (line: Buffer) => socket.end(`221 ${line.toString().trim()}\r\n`));
});
serve(PORTS.farewell, (socket) => {
  socket.end('going\n');
  drain(socket, PORTS.farewell);
});
serve(PORTS.http10, (socket) => {
  let head = '';
  socket.on('data', (bytes: Buffer) => {
    head += bytes.toString('latin1');
  });
  // Only after the client's FIN: a proxy that takes a half-close for a close is found out.
  socket.on('end', () => {
    if (head.endsWith('\r\n\r\n')) socket.end(`HTTP/1.0 200 OK\r\n\r\n${HTTP10_BODY}`);
    else socket.destroy();
  });
});
process.stdout.write('ready\n');
