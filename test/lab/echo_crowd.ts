/**
 * Makes connections to an echo, twenty at a time, and compares every byte: `bun echo_crowd.ts HOST PORT COUNT`.
 * Prints `{"right": N, "wrong": N}`.
 */
export {};

const [host, port, count] = process.argv.slice(2);
const AT_ONCE = 20;
/** Records of every kind: a lone byte, a packet, a record and a bit, several records. */
const SIZES = [1, 100, 1_400, 16_384, 40_000];

let left = Number(count);
let right = 0;
let wrong = 0;

/** @returns whether what came back is what went out */
function exchange(sent: Uint8Array): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const back: Uint8Array[] = [];
  let received = 0;
  let at = 0;
  const pour = (socket: Bun.Socket) => {
    at += Math.max(0, socket.write(sent, at, sent.length - at));
  };
  Bun.connect({
    hostname: host!,
    port: Number(port),
    allowHalfOpen: true,
    socket: {
      open: pour,
      drain: (socket) => void (at < sent.length && pour(socket)),
      data(socket, chunk) {
        back.push(chunk);
        received += chunk.length;
        // Not before: shadowsocks-libev's server takes a FIN for the end of both directions.
        if (received >= sent.length) socket.end();
      },
      end: (socket) => void socket.end(),
      close: () => resolve(Buffer.concat(back).equals(sent)),
    },
  }).catch(() => resolve(false));
  return promise;
}

async function one(): Promise<void> {
  while (left-- > 0) {
    const sent = crypto.getRandomValues(new Uint8Array(SIZES[left % SIZES.length]!));
    if (await exchange(sent)) right++;
    else wrong++;
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, one));
process.stdout.write(`${JSON.stringify({ right, wrong })}\n`);
