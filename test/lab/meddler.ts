/**
 * Somebody on the way to a resolver: `bun meddler.ts WHO ADDRESS PORT` answers DNS on ADDRESS, over UDP and TCP, with what
 * the resolver on PORT of 127.0.0.1 says. Labels of a name say what is done to it: of `china-forged.example` the one that
 * is called `china` forges answers. The words are those of {@link onWay}.
 */
import { connect, createServer, type Socket } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import { FORGED, WRONG } from './meddled.ts';

const [who, hostname, port] = process.argv.slice(2) as [string, string, string];
const RESOLVER = { host: '127.0.0.1', port: Number(port) };

/** Longer than anybody waits for one side alone, shorter than a client's patience. */
const SLOW_MS = 2_500;
/** By so much a forger who sits nearer is faster. */
const NEARER_MS = 5;

/** What somebody does who is asked: answers, of which the true one is one, or hangs up. */
interface Way {
  send(message: Uint8Array): void;
  /** Over UDP there is nothing to hang up. */
  hangUp?(): void;
  /** The resolver's own answer. */
  truth(): Promise<Uint8Array>;
}

async function meddle(query: Uint8Array, way: Way): Promise<void> {
  const asked = decode(Buffer.from(query));
  const name = asked.questions![0]!.name;
  const word = new RegExp(`(?:^|\\.)${who}-([a-z]+)`).exec(name)?.[1];
  await onWay(word, asked, name, way);
}

async function onWay(word: string | undefined, asked: Packet, name: string, way: Way): Promise<void> {
  const honest = async () => way.send(await way.truth());
  switch (word) {
    case undefined:
      return honest();
    case 'forged':
      for (const address of FORGED) way.send(answer(asked, name, address));
      await Bun.sleep(NEARER_MS);
      return honest();
    case 'ids':
      for (const off of [1, 2, 0x8000]) {
        way.send(answer({ ...asked, id: (asked.id! + off) & 0xffff }, name, WRONG));
      }
      await Bun.sleep(NEARER_MS);
      return honest();
    case 'question':
      way.send(answer(asked, `not.${name}`, WRONG));
      await Bun.sleep(NEARER_MS);
      return honest();
    case 'noise':
      way.send(crypto.getRandomValues(new Uint8Array(200)));
      way.send(new Uint8Array(0));
      way.send((await way.truth()).subarray(0, 12));
      await Bun.sleep(NEARER_MS);
      return honest();
    case 'cut':
      return way.hangUp ? honest() : way.send(reply(asked, TRUNCATED));
    case 'servfail':
      return way.send(reply(asked, 2));
    case 'refused':
      return way.send(reply(asked, 5));
    case 'slow':
      await Bun.sleep(SLOW_MS);
      return honest();
    case 'closed':
      return way.hangUp?.();
    case 'mute':
      return;
    default:
      throw new Error(`${name}: no such word: ${word}`);
  }
}

/** TC, RFC 1035 §4.1.1. */
const TRUNCATED = 1 << 9;
/** RD and RA. */
const USUAL = 0x180;

function reply(asked: Packet, flags: number): Uint8Array {
  return encode({ type: 'response', id: asked.id!, flags: USUAL | flags, questions: asked.questions! });
}

function answer(asked: Packet, name: string, address: string): Uint8Array {
  const { type } = asked.questions![0]!;
  return encode({
    type: 'response',
    id: asked.id!,
    flags: USUAL,
    questions: [{ name, type }],
    answers: type === 'A' ? [{ name, type, ttl: 60, data: address }] : [],
  });
}

async function askByUdp(query: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const socket = await Bun.udpSocket({
    connect: { hostname: RESOLVER.host, port: RESOLVER.port },
    socket: { data: (_, datagram) => resolve(new Uint8Array(datagram)) },
  });
  socket.send(query);
  const message = await promise;
  socket.close();
  return message;
}

function askByTcp(query: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(RESOLVER, () => socket.write(framed(query)));
    socket.on('error', reject);
    onFrames(socket, (message) => {
      resolve(message);
      socket.destroy();
    });
  });
}

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

function onFrames(socket: Socket, take: (message: Uint8Array) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      take(bytes.subarray(2, end));
      bytes = bytes.subarray(end);
    }
  });
}

await Bun.udpSocket({
  hostname,
  port: 53,
  socket: {
    data(socket, query, fromPort, fromAddress) {
      const kept = new Uint8Array(query);
      void meddle(kept, {
        send(message) {
          try {
            socket.send(message, fromPort, fromAddress);
          } catch {
            // That was about an earlier asker, who has what it wanted and is gone.
            socket.send(message, fromPort, fromAddress);
          }
        },
        truth: () => askByUdp(kept),
      });
    },
    // The same.
    error: () => {},
  },
});

createServer((socket) => {
  socket.on('error', () => socket.destroy());
  onFrames(socket, (query) => {
    void meddle(query, {
      send: (message) => void socket.write(framed(message)),
      hangUp: () => void socket.destroy(),
      truth: () => askByTcp(query),
    });
  });
}).listen(53, hostname, () => process.stdout.write('ready\n'));
