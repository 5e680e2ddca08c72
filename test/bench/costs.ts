/** What connections cost snet and ss-redir: CPU, time, memory. */
import { FAR, type BenchOptions, type Stage } from './stage.ts';
import { snet, ssRedir, startSsServer } from './subjects.ts';
import { median, table } from './table.ts';

export interface Costs {
  /** Figures of all rounds by subject. */
  readonly costs: Record<string, { cpu: number[]; p50: number[]; start: number[] }>;
  readonly memory: Record<string, Record<string, number>>;
}

const PORT = 8398;
const METHOD = 'aes-256-gcm';

export async function benchCosts(
  stage: Stage,
  { binary, rounds, shortCount, say }: BenchOptions,
): Promise<Costs> {
  const { client, load } = stage;
  const server = await startSsServer(stage, FAR, PORT, METHOD);
  const subjects = [ssRedir, snet(binary)];
  const costs: Costs['costs'] = {};
  const of = (name: string) => (costs[name] ??= { cpu: [], p50: [], start: [] });
  // First, while the kernel has no connections to keep track of: its rules change faster then.
  for (let start = 0; start < 3 * rounds; start++) {
    for (const subject of subjects) {
      await using proxy = await subject.start(client, server);
      of(subject.name).start.push(proxy.startMs);
    }
  }
  const direct = await load(process.pid, 'latency', 400);
  for (let round = 1; round <= rounds; round++) {
    for (const subject of subjects) {
      say(`round ${round}: short connections, ${subject.name}`);
      await using proxy = await subject.start(client, server);
      const { cpu } = await load(proxy.pid, 'short', shortCount);
      const { p50 } = await load(proxy.pid, 'latency', 400);
      of(subject.name).cpu.push((cpu! * 1000) / shortCount);
      of(subject.name).p50.push((p50! - direct['p50']!) * 1000);
    }
  }
  const memory: Costs['memory'] = {};
  for (const subject of subjects) {
    const measured: Record<string, number> = {};
    for (const count of [1_000, 5_000]) {
      say(`memory, ${count} idle connections, ${subject.name}`);
      await using proxy = await subject.start(client, server);
      await Bun.sleep(500);
      const { before, after } = await load(proxy.pid, 'idle', count);
      measured['rest'] = before! / 1024;
      measured[`per${count}`] = (after! - before!) / count;
    }
    memory[subject.name] = measured;
  }
  return { costs, memory };
}

export function costsTable({ costs, memory }: Costs): string {
  const row = (name: string, of: (subject: string) => number) => [
    name,
    of('ss-redir'),
    of('snet'),
    of('snet') / of('ss-redir'),
  ];
  return table(
    `${METHOD}: costs`,
    ['', 'ss-redir', 'snet', 'snet / ss-redir'],
    [
      row('CPU per short connection, µs', (name) => median(costs[name]!.cpu)),
      row('latency added to a new connection, p50 µs', (name) => median(costs[name]!.p50)),
      row('exec until redirecting, ms', (name) => median(costs[name]!.start)),
      row('RSS at rest, MiB', (name) => memory[name]!['rest']!),
      row('RSS per idle connection of 1,000, KiB', (name) => memory[name]!['per1000']!),
      row('RSS per idle connection of 5,000, KiB', (name) => memory[name]!['per5000']!),
    ],
  );
}
