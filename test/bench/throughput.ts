/** What moves through snet and through shadowsocks-libev's ss-redir, by the same ss-server, in MiB per CPU-second. */
import { FAR, type BenchOptions, type Stage } from './stage.ts';
import { snet, ssRedir, startSsServer, type Server, type Subject } from './subjects.ts';
import { median, table } from './table.ts';

interface Load {
  readonly name: string;
  readonly mode: 'download' | 'upload';
  readonly streams: number;
}
const LOADS: readonly Load[] = [
  { name: 'download, 1 stream', mode: 'download', streams: 1 },
  { name: 'download, 8 streams', mode: 'download', streams: 8 },
  { name: 'upload, 1 stream', mode: 'upload', streams: 1 },
  { name: 'upload, 8 streams', mode: 'upload', streams: 8 },
];

const contenders = (binary: string): Readonly<Record<string, readonly Subject[]>> => ({
  'aes-128-gcm': [ssRedir, snet(binary)],
  'aes-256-gcm': [ssRedir, snet(binary), snet(binary, 'node')],
  'chacha20-ietf-poly1305': [ssRedir, snet(binary), snet(binary, 'noble')],
});

/** Figures of all rounds by method, load and subject. */
export type Throughput = Record<string, Record<string, Record<string, number[]>>>;

/** @param only this method; undefined: all */
export async function benchThroughput(
  stage: Stage,
  { binary, rounds, bytes, say }: BenchOptions,
  only: string | undefined,
): Promise<Throughput> {
  const methods = Object.entries(contenders(binary)).filter(([method]) => (only ?? method) === method);
  const servers = new Map<string, Server>();
  for (const [index, [method]] of methods.entries())
    servers.set(method, await startSsServer(stage, FAR, 8388 + index, method));
  const figures: Throughput = {};
  // Every subject in every round, so that a noisy minute hits all of them.
  for (let round = 1; round <= rounds; round++) {
    for (const [method, subjects] of methods) {
      for (const subject of subjects) {
        say(`round ${round}: ${method}, ${subject.name}`);
        await using proxy = await subject.start(stage.client, servers.get(method)!);
        for (const { name, mode, streams } of LOADS) {
          const size = subject.name.includes('noble') ? bytes / 16 : bytes;
          const { cpu } = await stage.load(proxy.pid, mode, streams, size);
          const rate = size / 1024 / 1024 / (cpu! / 1000);
          (((figures[method] ??= {})[name] ??= {})[subject.name] ??= []).push(rate);
        }
      }
    }
  }
  return figures;
}

export function throughputTables(figures: Throughput): string {
  const tables = Object.entries(figures).map(([method, byLoad]) => {
    const names = Object.keys(Object.values(byLoad)[0]!);
    const rows = Object.entries(byLoad).map(([load, bySubject]) => {
      const of = (subject: string) => median(bySubject[subject]!);
      return [load, ...names.map(of), of('snet') / of('ss-redir')];
    });
    return table(`${method}: MiB per CPU-second of the proxy`, ['', ...names, 'snet / ss-redir'], rows);
  });
  return tables.join('\n');
}
