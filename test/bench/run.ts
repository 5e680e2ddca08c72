/**
 * `npm run bench`: snet beside shadowsocks-libev's ss-redir, in the same namespaces, against the same ss-server.
 * What counts is work per CPU-second of the proxy process, and the ratio within one round: the machine's other noise
 * hits both. Prints tables, writes test/bench/results.json. It judges nothing.
 *
 *   client ns ───veth─── far ns
 *   load, proxy          ss-server 10.77.0.2, origin 198.41.0.4 (on lo)
 *
 * Options: --rounds N (3), --mib N (512, per transfer), --quick (1 round, little data), --method M (only that
 * method's throughput), --costs (only what connections cost), --dns (only the resolver, beside dnsmasq: see dns.ts),
 * --upstreams (only the other kinds of upstream, and the far end: see upstreams.ts)
 */
import { join as joinPath } from 'node:path';
import { parseArgs } from 'node:util';
import { join, Netns } from '../lab/netns.ts';
import { measureAead } from './aead.ts';
import { benchDns, dnsTable } from './dns.ts';
import { lineWith, PASSWORD, snet, ssRedir, type Server, type Subject } from './subjects.ts';
import { median, table } from './table.ts';
import { benchUpstreams, upstreamsTable } from './upstreams.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    mib: { type: 'string' },
    quick: { type: 'boolean', default: false },
    method: { type: 'string' },
    costs: { type: 'boolean', default: false },
    dns: { type: 'boolean', default: false },
    upstreams: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
const bytes = Number(options.mib ?? (options.quick ? 128 : 512)) * 1024 * 1024;
const shortCount = options.quick ? 2_000 : 10_000;
const ORIGIN = '198.41.0.4';
const FAR = '10.77.0.2';
const ALL_METHODS = ['aes-128-gcm', 'aes-256-gcm', 'chacha20-ietf-poly1305'] as const;
const METHODS = ALL_METHODS.filter((method) => !options.costs && (options.method ?? method) === method);
const root = joinPath(import.meta.dir, '..', '..');
const binary = process.env.SNET_BINARY ?? (await build());

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

const print = (text: string) => process.stdout.write(`${text}\n`);
const say = (text: string) => process.stderr.write(`${text}\n`);
const RESULTS = joinPath(import.meta.dir, 'results.json');

if (options.dns) {
  const dns = await resolver();
  const former = (await Bun.file(RESULTS).exists()) ? ((await Bun.file(RESULTS).json()) as object) : {};
  await keep({ ...former, dns });
  process.exit();
}

async function resolver() {
  const dns = await benchDns({ binary, rounds, quick: options.quick, say });
  print(dnsTable(dns));
  return { date: new Date().toISOString(), rounds, ...dns };
}

async function keep(results: object): Promise<void> {
  await Bun.write(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
}

await using client = await Netns.create('client');
await using far = await Netns.create('far');
await join(
  { ns: client, device: 'c0', addresses: ['10.77.0.1/24'] },
  { ns: far, device: 'f0', addresses: [`${FAR}/24`] },
);
// Tens of thousands of connections that have just ended would leave no port free, and measure how one is searched for.
for (const ns of [client, far]) {
  await ns.must(['sh', '-c', 'echo 100 >/proc/sys/net/ipv4/tcp_max_tw_buckets']);
  await ns.must(['sh', '-c', 'echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range']);
}
await far.must(['ip', 'addr', 'add', `${ORIGIN}/32`, 'dev', 'lo']);
await client.must(['ip', 'route', 'add', 'default', 'via', FAR]);

const origin = far.spawn([process.execPath, joinPath(import.meta.dir, 'origin.ts')]);
await lineWith(origin.stdout, 'listening');

const servers = new Map<string, Server>();
for (const [index, method] of ALL_METHODS.entries()) {
  const port = 8388 + index;
  const argv = ['ss-server', '-s', '0.0.0.0', '-p', String(port), '-k', PASSWORD, '-m', method, '-t', '600'];
  far.spawn(argv);
  while ((await client.run(['nc', '-z', FAR, String(port)])).code !== 0);
  servers.set(method, { address: FAR, port, method });
}

/** Builds what this machine runs: what is measured is what is shipped. @returns its path */
async function build(): Promise<string> {
  const target = `linux-${process.arch}`;
  const child = Bun.spawn([process.execPath, 'build.ts', '--target', target], {
    cwd: root,
    stdout: 'ignore',
  });
  if ((await child.exited) !== 0) throw new Error('the build failed');
  return joinPath(root, 'dist', `snet-${target}`);
}

async function load(pid: number, mode: string, count: number, size = 0): Promise<Record<string, number>> {
  const script = joinPath(import.meta.dir, 'load.ts');
  const { stdout, stderr } = await client.script(script, [
    String(pid),
    ORIGIN,
    mode,
    String(count),
    String(size),
  ]);
  if (stdout === '') throw new Error(`load ${mode}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, number>;
}

async function upstreams() {
  const figures = await benchUpstreams({
    binary,
    rounds,
    bytes,
    shortCount,
    client,
    far,
    load,
    say,
    farAddress: FAR,
  });
  print(upstreamsTable(figures));
  return figures;
}

if (options.upstreams) {
  const former = (await Bun.file(RESULTS).exists()) ? ((await Bun.file(RESULTS).json()) as object) : {};
  await keep({ ...former, upstreams: await upstreams() });
  process.exit();
}

const results: Record<string, unknown> = { date: new Date().toISOString(), rounds, bytes };

// Throughput: every subject in every round, so that a noisy minute hits all of them.
const throughput: Record<string, Record<string, Record<string, number[]>>> = {};
const contenders: Record<(typeof ALL_METHODS)[number], readonly Subject[]> = {
  'aes-128-gcm': [ssRedir, snet(binary)],
  'aes-256-gcm': [ssRedir, snet(binary), snet(binary, 'node')],
  'chacha20-ietf-poly1305': [ssRedir, snet(binary), snet(binary, 'noble')],
};
for (let round = 1; round <= rounds; round++) {
  for (const method of METHODS) {
    for (const subject of contenders[method]) {
      say(`round ${round}: ${method}, ${subject.name}`);
      await using proxy = await subject.start(client, servers.get(method)!);
      for (const { name, mode, streams } of LOADS) {
        const size = subject.name.includes('noble') ? bytes / 16 : bytes;
        const { cpu } = await load(proxy.pid, mode, streams, size);
        const rate = size / 1024 / 1024 / (cpu! / 1000);
        (((throughput[method] ??= {})[name] ??= {})[subject.name] ??= []).push(rate);
      }
    }
  }
}
for (const method of METHODS) {
  const names = contenders[method].map(({ name }) => name);
  const rows = LOADS.map(({ name }) => {
    const of = (subject: string) => median(throughput[method]![name]![subject]!);
    return [name, ...names.map(of), of('snet') / of('ss-redir')];
  });
  print(table(`${method}: MiB per CPU-second of the proxy`, ['', ...names, 'snet / ss-redir'], rows));
}
results['throughput'] = throughput;

if (options.method !== undefined) process.exit();

const server = servers.get('aes-256-gcm')!;
const costs: Record<string, { cpu: number[]; p50: number[]; start: number[] }> = {};
const direct = await load(process.pid, 'latency', 400);
for (let round = 1; round <= rounds; round++) {
  for (const subject of [ssRedir, snet(binary)]) {
    say(`round ${round}: short connections, ${subject.name}`);
    await using proxy = await subject.start(client, server);
    const { cpu } = await load(proxy.pid, 'short', shortCount);
    const { p50 } = await load(proxy.pid, 'latency', 400);
    const cost = (costs[subject.name] ??= { cpu: [], p50: [], start: [] });
    cost.cpu.push((cpu! * 1000) / shortCount);
    cost.p50.push((p50! - direct['p50']!) * 1000);
    cost.start.push(proxy.startMs);
  }
}
const memory: Record<string, Record<string, number>> = {};
for (const subject of [ssRedir, snet(binary)]) {
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
const row = (name: string, of: (subject: string) => number) => [
  name,
  of('ss-redir'),
  of('snet'),
  of('snet') / of('ss-redir'),
];
print(
  table(
    'aes-256-gcm: costs',
    ['', 'ss-redir', 'snet', 'snet / ss-redir'],
    [
      row('CPU per short connection, µs', (name) => median(costs[name]!.cpu)),
      row('latency added to a new connection, p50 µs', (name) => median(costs[name]!.p50)),
      row('exec until redirecting, ms', (name) => median(costs[name]!.start)),
      row('RSS at rest, MiB', (name) => memory[name]!['rest']!),
      row('RSS per idle connection of 1,000, KiB', (name) => memory[name]!['per1000']!),
      row('RSS per idle connection of 5,000, KiB', (name) => memory[name]!['per5000']!),
    ],
  ),
);
results['costs'] = costs;
results['memory'] = memory;
const aead = await measureAead();
print(
  table(
    'AEAD providers by themselves, in one thread',
    ['', 'seal MB/s at 16 KiB', 'open MB/s', 'seal µs for 2 bytes'],
    aead.map((of) => [`${of.cipher}, ${of.provider}`, of.sealMBps, of.openMBps, of.sealSmallUs]),
  ),
);
results['aead'] = aead;
results['upstreams'] = await upstreams();
results['dns'] = await resolver();
await keep(results);
