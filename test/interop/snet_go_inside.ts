/**
 * For snet_go.ts, which runs it inside a network namespace: `snet_go_inside.ts PROGRAM ADDRESS`. Speaks with the Go program
 * as its client and as its server, and prints what came of it as JSON.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../../src/base/secret.ts';
import { explain } from '../../src/base/errors.ts';
import type { Target } from '../../src/net/target.ts';
import { createTlsClient } from '../../src/upstream/tls/create.ts';
import { tlsTunnels, tlsTunnelServer } from '../../src/upstream/tunnel/tunnel.ts';
import { createCertificates, NAME } from '../dns/exchange/certificates.ts';
import { loopback, relayTo } from '../relay/harness.ts';
import { converse, dial, serve, startOrigin, targets } from '../upstream/shadowsocks/conversation.ts';
import type { Row } from './report.ts';

const [program, abroad] = process.argv.slice(-2) as [string, string];
const MIB = 16;
const UPLOAD = randomBytes(MIB * 2 ** 20);
const TOKEN = 'correct horse';
const THEIR_SERVER = 15_002;
const METHOD = 'TLS tunnel';

const originPort = await startOrigin();
const folder = await mkdtemp(join(tmpdir(), 'snet-interop-'));
const certificates = await createCertificates();
const text = (path: string) => readFileSync(path, 'utf8');
const rows: Row[] = [];

/** Starts the Go program with a configuration; it looks for others beside that. */
async function start(config: object): Promise<AsyncDisposable> {
  const file = join(folder, 'config.json');
  await Bun.write(file, JSON.stringify({ 'proxy-type': 'tls', 'proxy-scope': 'global', ...config }));
  const child = Bun.spawn([program, '-config', file], { stdout: 'ignore', stderr: 'ignore' });
  return {
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** A relay of ours to their server. */
function ourClient(token: string, target: Target) {
  const caPem = text(certificates.authority);
  const tls = createTlsClient({ host: NAME, pins: [], insecure: false, caPem });
  const tunnels = tlsTunnels(new Secret(token));
  return relayTo([loopback(THEIR_SERVER)], { tls, session: () => tunnels(target).session! });
}

async function talk(way: string, port: number, host?: string): Promise<void> {
  try {
    // It passes on no end of a direction: 30 s later both are over.
    const { greeted, echoed } = await converse(await dial(port, host), UPLOAD, undefined, false);
    rows.push({ method: METHOD, way, well: greeted && echoed });
  } catch (error) {
    process.stderr.write(`${way}: ${explain(error)}\n`);
    rows.push({ method: METHOD, way, well: false });
  }
}

async function throughTheirServer(): Promise<void> {
  const files = {
    'upstream-tls-crt': certificates.certificate('good'),
    'upstream-tls-key': certificates.key('good'),
  };
  await using _ = await start({
    'as-upstream': true,
    'upstream-type': 'tls',
    'upstream-tls-server-listen': `127.0.0.1:${THEIR_SERVER}`,
    'upstream-tls-token': TOKEN,
    ...files,
  });
  (await dial(THEIR_SERVER)).destroy();
  for (const { host, target } of targets(originPort)) {
    using relay = ourClient(TOKEN, target);
    await talk(`our client, its server: ${host}`, relay.port);
  }
  using relay = ourClient('incorrect horse', targets(originPort)[0]!.target);
  const socket = await dial(relay.port);
  socket.on('error', () => {});
  socket.write('hello');
  const status = await relay.ended();
  rows.push({ method: METHOD, way: `a wrong token: ${status}`, well: status === 'ERR_UPSTREAM_NO_ANSWER' });
}

async function throughTheirClient(): Promise<void> {
  const serverSession = tlsTunnelServer(new Map([['somebody', new Secret(TOKEN)]]));
  const identity = { cert: text(certificates.certificate('good')), key: text(certificates.key('good')) };
  const serving = await serve({ serverSession }, identity);
  const server = { 'tls-host': '127.0.0.1', 'tls-port': serving.port, 'tls-token': TOKEN };
  await using _ = await start({ ...server, mode: 'local' });
  // Its rules come a moment after its listener, and until then we would reach the origin without it.
  (await dial(1_111)).destroy();
  await Bun.sleep(1_000);
  const way = `its client, our server: ${abroad}`;
  await talk(way, originPort, abroad);
  const asked = serving.asked?.target === `${abroad}:${originPort}` && serving.asked.user === 'somebody';
  if (!asked) rows.push({ method: METHOD, way: `${way}, as it was asked for`, well: false });
}

await throughTheirServer();
await throughTheirClient();
await certificates[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
process.stdout.write(JSON.stringify({ mebibytes: MIB, rows }));
process.exit(0);
