/**
 * For shadowsocks_rust.ts, which runs it inside a network namespace: `shadowsocks_rust_inside.ts SSSERVER SSLOCAL`. Speaks
 * with both programs in every way that they have in common with us, and prints what came of it as JSON, one row a line of
 * the report.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain } from '../../src/base/errors.ts';
import type { Session } from '../../src/net/session.ts';
import { METHODS, type Method, type MethodName } from '../../src/upstream/shadowsocks/methods.ts';
import {
  createShadowsocksProtocol,
  type Credentials,
  type ShadowsocksProtocol,
} from '../../src/upstream/shadowsocks/shadowsocks.ts';
import {
  converse,
  dial,
  header,
  ORIGIN,
  serve,
  startOrigin,
  targets,
} from '../upstream/shadowsocks/conversation.ts';
import { credentialsOf } from '../upstream/shadowsocks/ends.ts';
import type { Row } from './report.ts';

const [ssserver, sslocal] = process.argv.slice(-2) as [string, string];
const MIB = 16;
const UPLOAD = randomBytes(MIB * 2 ** 20);
/** Those of ours that shadowsocks-rust is built with by default. */
const NAMES: readonly MethodName[] = [
  'aes-128-gcm',
  'aes-256-gcm',
  'chacha20-ietf-poly1305',
  '2022-blake3-aes-128-gcm',
  '2022-blake3-aes-256-gcm',
  '2022-blake3-chacha20-poly1305',
];
/** How long nobody answers who doesn't want to, milliseconds. */
const SILENCE = 300;

const originPort = await startOrigin();
const folder = await mkdtemp(join(tmpdir(), 'snet-interop-'));
const children: ReturnType<typeof Bun.spawn>[] = [];
const rows: Row[] = [];
let nextPort = 20_000;

/** Starts one of their programs with a configuration. */
async function start(program: string, config: object): Promise<void> {
  const file = join(folder, `${nextPort}.json`);
  await Bun.write(file, JSON.stringify(config));
  children.push(Bun.spawn([program, '-c', file], { stdout: 'ignore', stderr: 'ignore' }));
}

/** @param users as their configuration has them @returns the port of a server of theirs */
async function theirServer(method: Method, password: string, users?: object[]): Promise<number> {
  const port = nextPort++;
  const server = { server: '127.0.0.1', server_port: port, method: method.name, password };
  // Users are heeded only within this list.
  await start(ssserver, { servers: [users ? { ...server, users } : server] });
  return port;
}

/** @returns the port of a client of theirs, which goes to `host` */
async function theirClient(
  method: Method,
  password: string,
  serverPort: number,
  host: string,
): Promise<number> {
  const port = nextPort++;
  const local = { protocol: 'tunnel', local_address: '127.0.0.1', local_port: port };
  const forward = { forward_address: host, forward_port: originPort };
  const server = { server: '127.0.0.1', server_port: serverPort, method: method.name, password };
  await start(sslocal, { ...server, locals: [{ ...local, ...forward }] });
  return port;
}

function protocolOf(credentials: Credentials): ShadowsocksProtocol {
  return createShadowsocksProtocol({ ...credentials, aead: 'auto' });
}

/** A conversation with the origin; what goes wrong is told on stderr. @param name for that */
async function talk(name: string, port: number, session?: Session): Promise<boolean> {
  try {
    const { greeted, echoed } = await converse(await dial(port), UPLOAD, session);
    return greeted && echoed;
  } catch (error) {
    process.stderr.write(`${name}: ${explain(error)}\n`);
    return false;
  }
}

/** What they call the password. */
function passwordOf(credentials: Credentials): string {
  if ('password' in credentials) return credentials.password.reveal();
  if ('keys' in credentials) return credentials.keys.map((key) => key.toBase64()).join(':');
  throw new Error('they have no such thing');
}

async function bothWays(name: string, ours: Credentials, theirs: Ends, user?: string): Promise<void> {
  const client = protocolOf(ours);
  for (const { host, target } of targets(originPort)) {
    const way = `our client, ssserver: ${host}`;
    rows.push({
      method: name,
      way,
      well: await talk(`${name}: ${way}`, theirs.serverPort, client.session(target)),
    });
  }
  const serving = await serve(theirs.ourServer);
  for (const host of [ORIGIN.v4, ORIGIN.v6, 'origin.example']) {
    const way = `sslocal, our server: ${host}`;
    const port = await theirClient(ours.method, passwordOf(ours), serving.port, host);
    const well = await talk(`${name}: ${way}`, port);
    const where = host.includes(':') ? `[${host}]:${originPort}` : `${host}:${originPort}`;
    const asked = serving.asked?.target === where && serving.asked.user === user;
    rows.push({ method: name, way, well: asked && well });
  }
}

interface Ends {
  readonly serverPort: number;
  readonly ourServer: ShadowsocksProtocol;
}

/** Whether somebody who is sent this says a word within a while. */
async function isAnswered(port: number, words: Uint8Array): Promise<boolean> {
  const socket = await dial(port);
  let answered = false;
  socket.on('data', () => {
    answered = true;
  });
  socket.on('error', () => {});
  socket.write(words);
  await Bun.sleep(SILENCE);
  socket.destroy();
  return answered;
}

/**
 * A connection that is recorded and played again: the first time there is a greeting. Theirs remembers salts of the 2022
 * edition only, the way it is built by default.
 */
async function replayed(
  name: string,
  credentials: Credentials,
  { serverPort, ourServer }: Ends,
): Promise<void> {
  const [{ target }] = targets(originPort) as [ReturnType<typeof targets>[number]];
  const servers: [string, number][] = [['our server', (await serve(ourServer)).port]];
  if (credentials.method.edition === 2022) servers.push(['ssserver', serverPort]);
  for (const [who, port] of servers) {
    const words = header(protocolOf(credentials).session(target));
    const [first, second] = [await isAnswered(port, words), await isAnswered(port, words)];
    rows.push({ method: name, way: `played twice to ${who}: answered once`, well: first && !second });
  }
}

for (const name of NAMES) {
  const method = METHODS[name];
  const credentials = credentialsOf(method, `interop ${randomBytes(8).toString('hex')}`);
  const serverPort = await theirServer(method, passwordOf(credentials));
  const ends = { serverPort, ourServer: protocolOf(credentials) };
  await bothWays(name, credentials, ends);
  await replayed(name, credentials, ends);
  const stranger = header(
    protocolOf(credentialsOf(method, 'a stranger')).session(targets(originPort)[0]!.target),
  );
  rows.push({
    method: name,
    way: 'a wrong key at ssserver: no answer',
    well: !(await isAnswered(serverPort, stranger)),
  });
  if (method.edition !== 2022 || !method.hasIdentities) continue;

  const key = () => randomBytes(method.cipher.keySize);
  const server = key();
  const users = ['ann', 'bob'].map((user) => ({ name: user, key: key() }));
  const usersPort = await theirServer(
    method,
    server.toBase64(),
    users.map((user) => ({ name: user.name, password: user.key.toBase64() })),
  );
  const ourServer = protocolOf({ method, keys: [server], users });
  for (const user of users) {
    const known = { method, keys: [server, user.key] };
    await bothWays(`${name}, user ${user.name}`, known, { serverPort: usersPort, ourServer }, user.name);
  }
}

for (const child of children) child.kill();
await Promise.all(children.map((child) => child.exited));
await rm(folder, { recursive: true });
process.stdout.write(JSON.stringify({ mebibytes: MIB, rows }));
process.exit(0);
