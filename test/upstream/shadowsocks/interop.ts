/**
 * A program of its own for interop.test.ts, run inside a network namespace: `interop.ts METHOD`. It starts an origin
 * that speaks first and then echoes, and fetches from it through shadowsocks-libev's server with our client session,
 * and with shadowsocks-libev's client through our server session. Prints what came of it as JSON.
 */
import { Secret } from '../../../src/base/secret.ts';
import { METHODS, type CipherName } from '../../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../../src/upstream/shadowsocks/shadowsocks.ts';
import { converse, dial, ORIGIN, serve, startOrigin, targets } from './conversation.ts';
import { pattern } from './ends.ts';

const UPLOAD = pattern(700_000);
const PASSWORD = 'correct horse 电池';

const name = process.argv.at(-1) as CipherName;
const protocol = createShadowsocksProtocol({
  method: METHODS[name],
  password: new Secret(PASSWORD),
  aead: 'auto',
});
const originPort = await startOrigin();
const common = ['-k', PASSWORD, '-m', name];
const children: ReturnType<typeof Bun.spawn>[] = [];
const spawn = (argv: string[]) => children.push(Bun.spawn(argv, { stdout: 'ignore', stderr: 'inherit' }));
const results: object[] = [];

// Our client, their server.
spawn(['ss-server', '-s', '127.0.0.1', '-p', '18388', ...common]);
for (const { host, target } of targets(originPort)) {
  const heard = await converse(await dial(18388), UPLOAD, protocol.session(target));
  results.push({ client: 'snet', host, ...heard });
}

// Their client, our server.
const ours = await serve(protocol);
for (const [i, host] of [ORIGIN.v4, ORIGIN.v6, 'origin.example'].entries()) {
  const port = 18400 + i;
  const where = host.includes(':') ? `[${host}]:${originPort}` : `${host}:${originPort}`;
  spawn([
    'ss-tunnel',
    '-s',
    '127.0.0.1',
    '-p',
    String(ours.port),
    '-l',
    String(port),
    '-L',
    where,
    ...common,
  ]);
  const heard = await converse(await dial(port), UPLOAD);
  results.push({ client: 'libev', host, asked: ours.asked?.target === where, ...heard });
}

for (const child of children) child.kill();
await Promise.all(children.map((child) => child.exited));
process.stdout.write(JSON.stringify({ provider: protocol.provider, results }));
process.exit(0);
