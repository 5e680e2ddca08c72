/**
 * The near side of the benchmark: makes connections to the origin, and reads from /proc what they cost the proxy.
 * Run inside the client's namespace: `bun load.ts PID ORIGIN MODE N [BYTES]`; prints one JSON object.
 */
import { readFileSync } from 'node:fs';
import { PORTS } from './origin.ts';

/** USER_HZ is 100 on every Linux that Bun runs on (proc(5)). */
const TICK_MS = 10;

/** Milliseconds of CPU that all threads of a process have used. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** KiB of memory that a process has resident. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
}

/** Fetches `bytes` over one connection. */
function download(hostname: string, bytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = Buffer.alloc(8);
  request.writeBigUInt64BE(BigInt(bytes));
  let got = 0;
  Bun.connect({
    hostname,
    port: PORTS.source,
    allowHalfOpen: true,
    socket: {
      open: (socket) => void socket.write(request),
      data: (_, chunk) => void (got += chunk.length),
      end: (socket) => void socket.end(),
      close: (_, error) =>
        got === bytes ? resolve() : reject(error ?? new Error(`${got} of ${bytes} bytes`)),
    },
  }).catch(reject);
  return promise;
}

const block = crypto.getRandomValues(Buffer.alloc(65536));
const filler = Buffer.concat(Array<Buffer>(16).fill(block));

/** Sends `bytes` over one connection, and waits until the origin has read them all. */
function upload(hostname: string, bytes: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = bytes - 8;
  let answered = false;
  const pour = (socket: Bun.Socket) => {
    while (left > 0) {
      const wanted = Math.min(left, filler.length);
      const taken = Math.max(0, socket.write(filler, 0, wanted));
      left -= taken;
      if (taken < wanted) return;
    }
  };
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(bytes));
  Bun.connect({
    hostname,
    port: PORTS.sink,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.write(head);
        pour(socket);
      },
      drain: pour,
      data(socket) {
        answered = true;
        socket.end();
      },
      close: (_, error) => (answered ? resolve() : reject(error ?? new Error('no answer'))),
    },
  }).catch(reject);
  return promise;
}

/** One connection, 100 bytes each way. @returns milliseconds until the answer */
function exchange(hostname: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const began = performance.now();
  let took = 0;
  Bun.connect({
    hostname,
    port: PORTS.echo,
    allowHalfOpen: true,
    socket: {
      open: (socket) => void socket.write(filler, 0, 100),
      data(socket) {
        took = performance.now() - began;
        socket.shutdown();
      },
      end: (socket) => void socket.end(),
      close: (_, error) => (took > 0 ? resolve(took) : reject(error ?? new Error('no answer'))),
    },
  }).catch(reject);
  return promise;
}

async function exchanges(hostname: string, count: number, atOnce: number): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const one = async () => {
    while (left-- > 0) times.push(await exchange(hostname));
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return times.sort((a, b) => a - b);
}

/** Opens connections that say one byte and then nothing, and leaves them open. */
async function idle(hostname: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    Bun.connect({
      hostname,
      port: PORTS.echo,
      socket: {
        open: (socket) => void socket.write('x'),
        data: () => resolve(),
        close: () => reject(new Error('closed')),
      },
    }).catch(reject);
    await promise;
  }
}

async function main([pidText, hostname, mode, countText, bytesText]: string[]): Promise<object> {
  const pid = Number(pidText);
  const count = Number(countText);
  const bytes = Number(bytesText);
  const host = hostname!;
  switch (mode) {
    case 'download':
    case 'upload': {
      const move = mode === 'download' ? download : upload;
      await move(host, bytes / 8);
      const [cpu, began] = [cpuOf(pid), performance.now()];
      await Promise.all(Array.from({ length: count }, () => move(host, bytes / count)));
      return { bytes, cpu: cpuOf(pid) - cpu, ms: performance.now() - began };
    }
    case 'short': {
      // Until then a just-in-time compiler is at work.
      await exchanges(host, 2 * count, 20);
      const cpu = cpuOf(pid);
      await exchanges(host, count, 20);
      return { count, cpu: cpuOf(pid) - cpu };
    }
    case 'latency': {
      await exchanges(host, count / 4, 1);
      const times = await exchanges(host, count, 1);
      return { p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
    }
    case 'idle': {
      const before = rssOf(pid);
      await idle(host, count);
      await Bun.sleep(1_500);
      return { count, before, after: rssOf(pid) };
    }
    default:
      throw new Error(`no mode ${mode}`);
  }
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await main(process.argv.slice(2)))}\n`);
  process.kill(process.pid, 'SIGKILL');
}
