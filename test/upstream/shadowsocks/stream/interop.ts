/**
 * A program of its own for interop.test.ts, run inside a network namespace: `interop.ts METHOD`. It starts an origin and
 * shadowsocks-libev's server, and converses with the one through the other. Prints what came of it as JSON.
 */
import { Secret } from '../../../../src/base/secret.ts';
import type { StreamMethod } from '../../../../src/config/config.ts';
import { streamTunnels } from '../../../../src/upstream/shadowsocks/stream/stream.ts';
import { converse, dial, startOrigin, targets } from '../conversation.ts';
import { pattern } from '../ends.ts';

const PASSWORD = 'correct horse 电池';
const PORT = 18_388;
/** Not of whole blocks, so that the ciphers go on in the midst of one. */
const UPLOAD = pattern((8 << 20) + 13);

const method = process.argv.at(-1) as StreamMethod;
const tunnels = streamTunnels(method, new Secret(PASSWORD));
const originPort = await startOrigin();
const server = Bun.spawn(['ss-server', '-s', '127.0.0.1', '-p', String(PORT), '-k', PASSWORD, '-m', method], {
  stdout: 'ignore',
  stderr: 'inherit',
});
const results: object[] = [];
for (const { host, target } of targets(originPort))
  results.push({ host, ...(await converse(await dial(PORT), UPLOAD, tunnels(target).session)) });
server.kill();
await server.exited;
process.stdout.write(JSON.stringify(results));
process.exit(0);
