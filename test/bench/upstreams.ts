/**
 * The other kinds of upstream, and the far end: snet beside redsocks through the same proxies, the two editions of
 * Shadowsocks side by side, and `snet server` beside ss-server behind the same client. MiB per CPU-second, and CPU per
 * connection, of the process named.
 */
import type { Netns } from '../lab/netns.ts';
import { lineWith, PASSWORD, PORT, running, snetWith, redirected, type Running } from './subjects.ts';
import { median, table } from './table.ts';

const SOCKS = 1081;
const HTTP = 8888;
const KEY = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const METHOD = 'aes-256-gcm';
const METHOD_2022 = '2022-blake3-aes-256-gcm';
/** Where ss-server and the two of snet listen. */
const SERVERS = { 'ss-server': 8388 + 1, 'snet server': 8501, 'snet server, 2022': 8502 } as const;

export interface UpstreamsBench {
  readonly binary: string;
  readonly rounds: number;
  readonly bytes: number;
  readonly shortCount: number;
  readonly client: Netns;
  readonly far: Netns;
  readonly farAddress: string;
  readonly load: (pid: number, mode: string, count: number, size?: number) => Promise<Record<string, number>>;
  readonly say: (text: string) => void;
}

type Figures = Record<'download' | 'upload' | 'short', number[]>;

interface Entry {
  readonly name: string;
  start(): Promise<Running>;
  /** Whose CPU counts; left out: the proxy's. */
  readonly pid?: number;
}

/** @returns figures by entry */
export async function benchUpstreams(bench: UpstreamsBench): Promise<Record<string, Figures>> {
  const { binary, client, far, farAddress: server, rounds, bytes, shortCount, load, say } = bench;
  far.spawn(['microsocks', '-i', '0.0.0.0', '-p', String(SOCKS)]);
  const tinyproxy = `/tmp/snet-bench-tinyproxy-${process.pid}.conf`;
  await Bun.write(
    tinyproxy,
    `Port ${HTTP}\nListen 0.0.0.0\nTimeout 600\nLogLevel Critical\nMaxClients 1000\n`,
  );
  far.spawn(['tinyproxy', '-d', '-c', tinyproxy]);
  for (const port of [SOCKS, HTTP]) while ((await client.run(['nc', '-z', server, String(port)])).code !== 0);
  const own = await snetServer(far, binary);
  const ssServer = far.spawn([
    'ss-server',
    '-s',
    '0.0.0.0',
    '-p',
    '8400',
    '-k',
    PASSWORD,
    '-m',
    METHOD,
    '-t',
    '600',
  ]);
  while ((await client.run(['nc', '-z', server, '8400'])).code !== 0);

  const shadowsocks = (port: number, method: string, password: string) =>
    snetWith(binary, { type: 'shadowsocks', server, port, method, password });
  const entries: readonly Entry[] = [
    { name: 'socks5, redsocks', start: () => redsocks(client, 'socks5', server, SOCKS) },
    {
      name: 'socks5, snet',
      start: () => snetWith(binary, { type: 'socks5', server, port: SOCKS }).start(client),
    },
    { name: 'http, redsocks', start: () => redsocks(client, 'http-connect', server, HTTP) },
    { name: 'http, snet', start: () => snetWith(binary, { type: 'http', server, port: HTTP }).start(client) },
    {
      name: `${METHOD}, snet`,
      start: () => shadowsocks(SERVERS['snet server'], METHOD, PASSWORD).start(client),
    },
    {
      name: `${METHOD_2022}, snet`,
      start: () => shadowsocks(SERVERS['snet server, 2022'], METHOD_2022, KEY).start(client),
    },
    {
      name: `${METHOD}, ss-server`,
      start: () => shadowsocks(8400, METHOD, PASSWORD).start(client),
      pid: ssServer.pid,
    },
    {
      name: `${METHOD}, snet server`,
      start: () => shadowsocks(SERVERS['snet server'], METHOD, PASSWORD).start(client),
      pid: own.pid,
    },
  ];
  const figures: Record<string, Figures> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const { name, pid, ...entry } of entries) {
      say(`round ${round}: ${name}`);
      await using proxy = await entry.start();
      const of = (figures[name] ??= { download: [], upload: [], short: [] });
      const measured = pid ?? proxy.pid;
      for (const mode of ['download', 'upload'] as const) {
        const { cpu } = await load(measured, mode, 1, bytes);
        of[mode].push(bytes / 2 ** 20 / (cpu! / 1000));
      }
      const { cpu } = await load(measured, 'short', shortCount);
      of.short.push((cpu! * 1000) / shortCount);
    }
  }
  return figures;
}

/** Pairs whose ratio is of interest: ours, theirs. */
const PAIRS = [
  ['socks5, snet', 'socks5, redsocks'],
  ['http, snet', 'http, redsocks'],
  [`${METHOD_2022}, snet`, `${METHOD}, snet`],
  [`${METHOD}, snet server`, `${METHOD}, ss-server`],
] as const;

export function upstreamsTable(figures: Record<string, Figures>): string {
  const rows = Object.entries(figures).map(([name, of]) => [
    name,
    ...(['download', 'upload', 'short'] as const).map((what) => median(of[what])),
  ]);
  const ratios = PAIRS.map(([ours, theirs]) => [
    `${ours} / ${theirs}`,
    ...(['download', 'upload', 'short'] as const).map(
      (what) => median(figures[ours]![what]) / median(figures[theirs]![what]),
    ),
  ]);
  const header = ['', 'download, MiB per CPU-s', 'upload', 'CPU per short connection, µs'];
  return table('upstreams and the far end', header, [...rows, ...ratios]);
}

async function snetServer(far: Netns, binary: string) {
  const path = `/tmp/snet-bench-server-${process.pid}.json`;
  const listener = (port: number, method: string, password: string) => ({
    type: 'shadowsocks',
    listen: `0.0.0.0:${port}`,
    method,
    password,
  });
  const server = {
    listeners: [
      listener(SERVERS['snet server'], METHOD, PASSWORD),
      listener(SERVERS['snet server, 2022'], METHOD_2022, KEY),
    ],
    'allow-private': true,
  };
  await Bun.write(path, JSON.stringify({ server }), { mode: 0o600 });
  const child = far.spawn([binary, 'server', '-c', path]);
  await lineWith(child.stderr, 'ready');
  return child;
}

async function redsocks(client: Netns, type: string, ip: string, port: number): Promise<Running> {
  const path = `/tmp/snet-bench-redsocks-${process.pid}.conf`;
  const base =
    'base { log_debug = off; log_info = off; log = "stderr"; daemon = off; redirector = iptables; }';
  const one = `redsocks { local_ip = 0.0.0.0; local_port = ${PORT}; ip = ${ip}; port = ${port}; type = ${type}; }`;
  await Bun.write(path, `${base}\n${one}\n`);
  const began = performance.now();
  const child = client.spawn(['redsocks', '-c', path]);
  const undo = await redirected(client);
  return running(child, performance.now() - began, undo);
}
