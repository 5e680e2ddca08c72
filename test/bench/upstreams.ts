/**
 * The other kinds of upstream, and the far end: snet beside redsocks through the same proxies (the origin itself: see
 * origin.ts), the two editions of Shadowsocks side by side, and `snet server` beside ss-server behind the same client.
 * MiB per CPU-second, and CPU per connection, of the process named.
 */
import { createIdentity, type Identity } from '../lab/proxies.ts';
import { PORTS } from './origin.ts';
import { FAR, type BenchOptions, type Stage } from './stage.ts';
import {
  lineWith,
  PASSWORD,
  PORT,
  redirected,
  running,
  snetWith,
  startSsServer,
  type Running,
} from './subjects.ts';
import { median, table } from './table.ts';

const KEY = 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const METHOD = 'aes-256-gcm';
const METHOD_2022 = '2022-blake3-aes-256-gcm';
/** Where ss-server and those of snet listen. */
const SERVERS = { ss: 8400, snet: 8501, snet2022: 8502, snetTls: 8503 } as const;
const TOKEN = 'a-token-for-the-bench';

/** The columns of the table. */
const COLUMNS = {
  'download, MiB per CPU-s': ['download', 1],
  '8 streams': ['download', 8],
  upload: ['upload', 1],
  ' 8 streams': ['upload', 8],
  'CPU per short connection, µs': ['short', 0],
} as const;

/** Figures of all rounds. */
type Figures = Record<string, number[]>;

interface Entry {
  readonly name: string;
  start(): Promise<Running>;
  /** Whose CPU counts; left out: the proxy's. */
  readonly pid?: number;
}

/** @returns figures by entry */
export async function benchUpstreams(
  stage: Stage,
  { binary, rounds, bytes, shortCount, say }: BenchOptions,
): Promise<Record<string, Figures>> {
  const { client, far, folder, load } = stage;
  const identity = await createIdentity(far, folder);
  const own = await snetServer(stage, binary, identity);
  const { pid: ssServer } = await startSsServer(stage, FAR, SERVERS.ss, METHOD);

  const by = (upstream: object) => () => snetWith(binary, { server: FAR, ...upstream }).start(client);
  const older = { type: 'shadowsocks', port: SERVERS.snet, method: METHOD, password: PASSWORD };
  const newer = { type: 'shadowsocks', port: SERVERS.snet2022, method: METHOD_2022, password: KEY };
  const tls = { type: 'tls', port: SERVERS.snetTls, token: TOKEN, tls: { pin: identity.pin } };
  const hasRedsocks = Bun.which('redsocks') !== null;
  if (!hasRedsocks) say('NO redsocks (a Debian package): nothing to compare SOCKS5 and HTTP with');
  const redsocksBy = (type: string, port: number): Entry[] =>
    hasRedsocks ? [{ name: `${type}, redsocks`, start: () => startRedsocks(stage, type, port) }] : [];
  const entries: readonly Entry[] = [
    ...redsocksBy('socks5', PORTS.socks5),
    { name: 'socks5, snet', start: by({ type: 'socks5', port: PORTS.socks5 }) },
    ...redsocksBy('http', PORTS.http),
    { name: 'http, snet', start: by({ type: 'http', port: PORTS.http }) },
    { name: `${METHOD}, snet`, start: by(older) },
    { name: `${METHOD_2022}, snet`, start: by(newer) },
    { name: 'tls, snet', start: by(tls) },
    { name: `${METHOD}, ss-server`, start: by({ ...older, port: SERVERS.ss }), pid: ssServer },
    { name: `${METHOD}, snet server`, start: by(older), pid: own },
    { name: `${METHOD_2022}, snet server`, start: by(newer), pid: own },
    { name: 'tls, snet server', start: by(tls), pid: own },
  ];
  const figures: Record<string, Figures> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const { name, pid, ...entry } of entries) {
      say(`round ${round}: ${name}`);
      await using proxy = await entry.start();
      const of = (figures[name] ??= {});
      const measured = pid ?? proxy.pid;
      for (const [column, [mode, streams]] of Object.entries(COLUMNS)) {
        const isShort = mode === 'short';
        const { cpu } = await load(measured, mode, isShort ? shortCount : streams, bytes);
        const figure = isShort ? (cpu! * 1000) / shortCount : bytes / 2 ** 20 / (cpu! / 1000);
        (of[column] ??= []).push(figure);
      }
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
  [`${METHOD_2022}, snet server`, `${METHOD}, snet server`],
] as const;

export function upstreamsTable(figures: Record<string, Figures>): string {
  const columns = Object.keys(COLUMNS);
  const of = (name: string, column: string) => median(figures[name]![column]!);
  const rows = Object.keys(figures).map((name) => [name, ...columns.map((column) => of(name, column))]);
  const ratios = PAIRS.filter((pair) => pair.every((name) => name in figures)).map(([ours, theirs]) => [
    `${ours} / ${theirs}`,
    ...columns.map((column) => of(ours, column) / of(theirs, column)),
  ]);
  return table('upstreams and the far end', ['', ...columns], [...rows, ...ratios]);
}

/** @returns its pid */
async function snetServer({ far, folder }: Stage, binary: string, { certificate, key }: Identity) {
  const path = `${folder}/server.json`;
  const shadowsocks = (port: number, method: string, password: string) => ({
    type: 'shadowsocks',
    listen: `0.0.0.0:${port}`,
    method,
    password,
  });
  const server = {
    listeners: [
      shadowsocks(SERVERS.snet, METHOD, PASSWORD),
      shadowsocks(SERVERS.snet2022, METHOD_2022, KEY),
      { type: 'tls', listen: `0.0.0.0:${SERVERS.snetTls}`, token: TOKEN, cert: certificate, key },
    ],
    'allow-private': true,
  };
  await Bun.write(path, JSON.stringify({ server }), { mode: 0o600 });
  const child = far.spawn([binary, 'server', '-c', path]);
  await lineWith(child.stderr, 'ready');
  return child.pid;
}

async function startRedsocks({ client, folder }: Stage, type: string, port: number): Promise<Running> {
  const path = `${folder}/redsocks.conf`;
  const base =
    'base { log_debug = off; log_info = off; log = "stderr"; daemon = off; redirector = iptables; }';
  const one = `redsocks { local_ip = 0.0.0.0; local_port = ${PORT}; ip = ${FAR}; port = ${port}; type = ${type === 'http' ? 'http-connect' : type}; }`;
  await Bun.write(path, `${base}\n${one}\n`);
  const began = performance.now();
  const child = client.spawn(['redsocks', '-c', path]);
  const undo = await redirected(client);
  return running(child, performance.now() - began, undo);
}
