/**
 * `npm run bench`: snet beside others, in the same namespaces, against the same servers. What counts is work per
 * CPU-second of the proxy process, and the ratio within one round: the machine's other noise hits both. Prints tables,
 * writes test/bench/results.json. It judges nothing.
 *
 * Options: --rounds N (3), --mib N (512, per transfer), --quick (1 round, little data), and for one part alone
 *   --throughput (Shadowsocks beside ss-redir; --method M: only that method)
 *   --costs (what its connections cost)
 *   --upstreams (the other kinds of upstream beside redsocks, and the far end: see upstreams.ts)
 *   --aead (what computes the ciphers)
 *   --dns (the resolver, beside dnsmasq: see dns.ts)
 */
import { join as joinPath } from 'node:path';
import { parseArgs } from 'node:util';
import { aeadTable, measureAead } from './aead.ts';
import { benchCosts, costsTable } from './costs.ts';
import { benchDns, dnsTable } from './dns.ts';
import { createStage, type BenchOptions, type Stage } from './stage.ts';
import { benchThroughput, throughputTables } from './throughput.ts';
import { benchUpstreams, upstreamsTable } from './upstreams.ts';

const RESULTS = joinPath(import.meta.dir, 'results.json');
const root = joinPath(import.meta.dir, '..', '..');
const print = (text: string) => process.stdout.write(`${text}\n`);

const flag = { type: 'boolean', default: false } as const;
const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string' },
    mib: { type: 'string' },
    method: { type: 'string' },
    quick: flag,
    throughput: flag,
    costs: flag,
    upstreams: flag,
    aead: flag,
    dns: flag,
  },
});

/** What one part found, by the names that it has in the file. */
type Part = (stage: Stage, options: BenchOptions) => Promise<Record<string, unknown>>;

const PARTS: Readonly<Record<'throughput' | 'costs' | 'upstreams' | 'aead' | 'dns', Part>> = {
  async throughput(stage, options) {
    const throughput = await benchThroughput(stage, options, given.method);
    print(throughputTables(throughput));
    return { throughput };
  },
  async costs(stage, options) {
    const found = await benchCosts(stage, options);
    print(costsTable(found));
    return { ...found };
  },
  async upstreams(stage, options) {
    const upstreams = await benchUpstreams(stage, options);
    print(upstreamsTable(upstreams));
    return { upstreams };
  },
  async aead() {
    const aead = await measureAead();
    print(aeadTable(aead));
    return { aead };
  },
  async dns(_, { binary, rounds, say }) {
    const dns = await benchDns({ binary, rounds, quick: given.quick, say });
    print(dnsTable(dns));
    return { dns: { date: new Date().toISOString(), rounds, ...dns } };
  },
};

/** Builds what this machine runs: what is measured is what is shipped. @returns its path */
async function build(): Promise<string> {
  const target = `linux-${process.arch}`;
  const argv = [process.execPath, 'build.ts', '--target', target];
  const child = Bun.spawn(argv, { cwd: root, stdout: 'ignore' });
  if ((await child.exited) !== 0) throw new Error('the build failed');
  return joinPath(root, 'dist', `snet-${target}`);
}

async function main(): Promise<void> {
  const options: BenchOptions = {
    binary: process.env['SNET_BINARY'] ?? (await build()),
    rounds: Number(given.rounds ?? (given.quick ? 1 : 3)),
    bytes: Number(given.mib ?? (given.quick ? 128 : 512)) * 1024 * 1024,
    shortCount: given.quick ? 2_000 : 10_000,
    say: (text) => void process.stderr.write(`${text}\n`),
  };
  const all = Object.keys(PARTS) as (keyof typeof PARTS)[];
  const wanted = all.filter((part) => given[part] || (part === 'throughput' && given.method !== undefined));
  const former = (await Bun.file(RESULTS).exists()) ? ((await Bun.file(RESULTS).json()) as object) : {};
  let results = { ...(wanted.length > 0 && former), date: new Date().toISOString() };
  for (const part of wanted.length > 0 ? wanted : all) {
    await using stage = await createStage();
    results = { ...results, ...(await PARTS[part](stage, options)) };
    await Bun.write(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
}

await main();
