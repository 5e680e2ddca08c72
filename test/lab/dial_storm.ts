/**
 * A program that keeps dialling: `dial_storm.ts HOST PORT PER_SECOND SECONDS [WORD]`. Each connection says WORD, or
 * nothing, as soon as it is connected, waits for the server's first bytes for at most three seconds, and ends. Prints a
 * line of JSON for each: when it began (milliseconds since 1970), how long it took, and what it came to.
 */
const [host, port, perSecond, seconds, word] = process.argv.slice(2);
const all: Promise<void>[] = [];

function one(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const at = Date.now();
  const began = performance.now();
  let isOver = false;
  const end = (result: string) => {
    if (isOver) return;
    isOver = true;
    const ms = Math.round(performance.now() - began);
    process.stdout.write(`${JSON.stringify({ at, ms, result })}\n`);
    resolve();
  };
  setTimeout(() => end('late'), 3_000);
  Bun.connect({
    hostname: host!,
    port: Number(port),
    socket: {
      open: (socket) => void (word !== undefined && socket.write(word)),
      data(socket) {
        end('answered');
        socket.terminate();
      },
      close: (_, error) => end(error ? String(error) : 'closed'),
      connectError: (_, error) => end(String(error)),
    },
  }).catch((error: unknown) => end(String(error)));
  return promise;
}

const timer = setInterval(() => all.push(one()), 1000 / Number(perSecond));
process.stdout.write('ready\n');
await Bun.sleep(Number(seconds) * 1000);
clearInterval(timer);
await Promise.all(all);
// Those that were late are open still.
process.exit(0);

export {};
