/**
 * The resolver beside dnsmasq: queries per CPU-second of the process, times of answers, memory. Both are asked by dnsperf
 * in the same namespace, and ask the same knotd, which has all names:
 *
 *   client ns ───veth─── far ns
 *   dnsperf, resolver    knotd and ss-server, 10.77.0.2
 *
 * Each starts anew in each round, and is given by the kernel what is sent to port 53. snet asks knotd over UDP as China's
 * side and, through ss-server, over TCP as the trusted one: for an unknown name twice.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { join, Netns } from '../lab/netns.ts';
import { KINDS, mixed, numbered, questions, unheardOf, ZONE, zoneFile } from './dns_names.ts';
import { dnsmasq, snetDns, type DnsSubject } from './dns_subjects.ts';
import { ask, time, type Load } from './dnsperf.ts';
import { cpuOf, rssOf } from './load.ts';
import { lineWith, PASSWORD, type Server } from './subjects.ts';
import { median, table } from './table.ts';

const FAR = '10.77.0.2';
/** Nobody's address: what is sent there, either program catches. */
const SERVER = '10.77.0.53';
const UPSTREAM: Server = { address: FAR, port: 8388, method: 'aes-256-gcm' };
/** Names that are asked for again and again. */
const KNOWN = 20_000;
const KEPT = 100_000;
const MISSES = 1_000;
/** Milliseconds after which the garbage of a flood has been given back to the system. */
const RETURNED_MS = 15_000;

export interface DnsBenchOptions {
  readonly binary: string;
  readonly rounds: number;
  readonly quick: boolean;
  readonly say: (text: string) => void;
}

/** Figures of one subject, one of each round. */
type Figures = Record<string, number[]>;

export interface DnsResults {
  readonly figures: Record<string, Figures>;
  /** Microseconds that knotd itself takes, asked directly over UDP. */
  readonly resolver: { readonly p50: number; readonly p99: number };
}

export async function benchDns({ binary, rounds, quick, say }: DnsBenchOptions): Promise<DnsResults> {
  await using undo = new AsyncDisposableStack();
  const directory = await mkdtemp(joinPath(tmpdir(), 'snet-bench-dns-'));
  undo.defer(() => rm(directory, { recursive: true }));
  const client = undo.use(await Netns.create('client'));
  const far = undo.use(await Netns.create('far'));
  await join(
    { ns: client, device: 'c0', addresses: ['10.77.0.1/24'] },
    { ns: far, device: 'f0', addresses: [`${FAR}/24`] },
  );
  await startKnot(far, directory);
  await startUpstream(client, far);

  const list = async (name: string, names: Iterable<string>) => {
    const file = joinPath(directory, name);
    await writeFile(file, questions(names));
    return file;
  };
  const known = await list('known', numbered(0, KNOWN));
  const all = await list('all', numbered(0, KEPT));
  const warmUp = await list('warm-up', unheardOf('far', 10 * MISSES, 5 * MISSES));
  const mix = await list('mix', mixed(quick ? 50_000 : 200_000, KNOWN, MISSES));
  const misses = await Promise.all(
    KINDS.map(async (kind) => ({ kind, file: await list(kind, unheardOf(kind, 0, MISSES)) })),
  );
  const load = (file: string, more: Partial<Load>): Load => ({
    file,
    server: SERVER,
    port: 53,
    outstanding: 100,
    ...more,
  });

  const straight = await probe(client, misses[0]!.file, FAR, 53);
  const resolver = { p50: quantile(straight, 0.5), p99: quantile(straight, 0.99) };

  const measure = async (subject: DnsSubject, note: (figure: string, value: number) => void) => {
    await using server = await subject.start(client, FAR, UPSTREAM);
    const perQuery = async (what: Load) => {
      const before = cpuOf(server.pid);
      const count = await ask(client, what);
      return ((cpuOf(server.pid) - before) * 1000) / count;
    };
    await ask(client, load(known, { times: 1 }));
    // What runs often is compiled by and by.
    await ask(client, load(known, { seconds: 2 }));
    note('hit, CPU µs', await perQuery(load(known, { seconds: quick ? 3 : 8 })));
    const hits = await time(client, load(known, { times: 2 }));
    note('hit, 100 outstanding, p50 µs', quantile(hits, 0.5));
    note('hit, 100 outstanding, p99 µs', quantile(hits, 0.99));
    note('mix, CPU µs', await perQuery(load(mix, { times: 1 })));
    for (const { kind, file } of misses) {
      const times = await probe(client, file, SERVER, 53);
      note(`miss, ${kind}, added, p50 µs`, quantile(times, 0.5) - resolver.p50);
      note(`miss, ${kind}, added, p99 µs`, quantile(times, 0.99) - resolver.p50);
    }
    const singly = await probe(client, misses[0]!.file, SERVER, 53);
    note('hit, 1 outstanding, p50 µs', quantile(singly, 0.5));
    note('hit, 1 outstanding, p99 µs', quantile(singly, 0.99));
  };
  const measureMemory = async (subject: DnsSubject, note: (figure: string, value: number) => void) => {
    await using server = await subject.start(client, FAR, UPSTREAM);
    const noteResident = (figure: string) => {
      const resident = rssOf(server.pid) / 1024;
      note(figure, resident);
      return resident;
    };
    noteResident('RSS at rest, MiB');
    // Compiled code and the first garbage are not the names' memory.
    await ask(client, load(warmUp, { times: 1 }));
    await Bun.sleep(RETURNED_MS);
    const before = rssOf(server.pid) / 1024;
    await ask(client, load(all, { times: 1 }));
    noteResident('RSS right after 100,000 misses, MiB');
    await Bun.sleep(RETURNED_MS);
    note('of it for the names, MiB', noteResident('RSS with 100,000 names, MiB') - before);
  };

  const figures: Record<string, Figures> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const subject of [dnsmasq, snetDns(binary)]) {
      say(`round ${round}: DNS, ${subject.name}`);
      const of = (figures[subject.name] ??= {});
      const note = (figure: string, value: number) => void (of[figure] ??= []).push(value);
      await measure(subject, note);
      await measureMemory(subject, note);
    }
  }
  return { figures, resolver };
}

export function dnsTable({ figures, resolver }: DnsResults): string {
  const of = (name: string, figure: string) => median(figures[name]![figure]!);
  const rows = Object.keys(figures['snet']!).map((figure) => {
    const [peer, own] = [of('dnsmasq', figure), of('snet', figure)];
    // dnsmasq takes the memory for its names when it starts.
    return [figure, peer, own, peer > 0.5 ? own / peer : ''];
  });
  const title = `DNS (the server behind both takes ${resolver.p50.toFixed(0)} µs, p50)`;
  return table(title, ['', 'dnsmasq', 'snet', 'snet / dnsmasq'], rows);
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

async function startKnot(ns: Netns, directory: string): Promise<void> {
  const file = (name: string) => joinPath(directory, name);
  await writeFile(file('zone'), zoneFile());
  await writeFile(
    file('knot.conf'),
    [
      'server:',
      `  rundir: ${directory}`,
      `  listen: ${FAR}@53`,
      '  udp-workers: 1',
      '  tcp-workers: 1',
      '  background-workers: 1',
      'log:',
      '  - target: stdout',
      '    any: info',
      'database:',
      `  storage: ${directory}`,
      'zone:',
      `  - domain: ${ZONE}`,
      `    file: ${file('zone')}`,
      '    zonefile-load: whole',
      '    semantic-checks: off',
      '',
    ].join('\n'),
  );
  const knotd = ns.spawn(['knotd', '-c', file('knot.conf')]);
  await lineWith(knotd.stdout, 'server started');
}

async function startUpstream(client: Netns, far: Netns): Promise<void> {
  const { address, port, method } = UPSTREAM;
  far.spawn(['ss-server', '-s', '0.0.0.0', '-p', String(port), '-k', PASSWORD, '-m', method, '-t', '600']);
  while ((await client.run(['nc', '-z', address, String(port)])).code !== 0);
}

/** Asks one after the other. @returns the microseconds that each answer took, rising */
async function probe(client: Netns, file: string, server: string, port: number): Promise<number[]> {
  const script = joinPath(import.meta.dir, 'dns_probe.ts');
  const { code, stdout, stderr } = await client.script(script, [file, server, String(port)]);
  if (code !== 0) throw new Error(`probe: ${stderr}`);
  const times = JSON.parse(stdout) as number[];
  return times.map((ms) => ms * 1000).sort((a, b) => a - b);
}
