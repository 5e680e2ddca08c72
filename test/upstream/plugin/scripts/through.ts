/**
 * A program of its own for programs.test.ts, run inside a network namespace: starts a plugin as snet does, and converses
 * with the origin through it; again when the plugin has been killed and was started again. The argument is a
 * {@link Task}, what it prints a {@link Report}, both as JSON.
 */
import { createLog } from '../../../../src/base/log.ts';
import { Secret } from '../../../../src/base/secret.ts';
import { systemRunner } from '../../../../src/base/runner.ts';
import { parseAddress } from '../../../../src/net/address.ts';
import { startPlugin } from '../../../../src/upstream/plugin/plugin.ts';
import { METHODS } from '../../../../src/upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../../../../src/upstream/shadowsocks/shadowsocks.ts';
import { eventually } from '../../../lab/eventually.ts';
import { childrenOf } from '../../../lab/proc.ts';
import { converse, dial, targets, type Heard } from '../../shadowsocks/conversation.ts';
import { pattern } from '../../shadowsocks/ends.ts';

export interface Task {
  readonly program: string;
  readonly options: string;
  readonly server: { readonly address: string; readonly port: number };
  readonly password: string;
  readonly originPort: number;
  /** The group that the kernel tells our sockets by. */
  readonly gid: number;
  /** Bytes each way. */
  readonly size: number;
}

export interface Report {
  /** By the host that the server was asked for. */
  readonly heard: readonly (Heard & { readonly host: string })[];
  /** After the plugin had been killed. */
  readonly afterDeath: Heard;
  /** How many children there were while it ran, and when it was stopped. */
  readonly children: readonly [number, number];
}

const task = JSON.parse(process.argv[2]!) as Task;
// As app/run.ts: before the first socket.
process.setgid!(task.gid);
const protocol = createShadowsocksProtocol({
  method: METHODS['aes-256-gcm'],
  password: new Secret(task.password),
  aead: 'auto',
});
const { address, port } = task.server;
const plugin = await startPlugin(
  { ...task, remote: () => [{ address: parseAddress(address)!, port }] },
  systemRunner,
  createLog('debug'),
);

const upload = pattern(task.size);
const [first, ...others] = targets(task.originPort);
const conversation = async ({ target }: typeof first & object) =>
  converse(await dial(plugin.endpoint.port), upload, protocol.session(target));

const heard: (Heard & { host: string })[] = [];
for (const each of [first!, ...others]) heard.push({ host: each.host, ...(await conversation(each)) });

const running = childrenOf(process.pid);
const before = plugin.endpoint.port;
process.kill(running[0]!, 'SIGKILL');
await eventually('the plugin to be back', () => plugin.endpoint.port !== before);
const afterDeath = await conversation(first!);
await plugin.stop();
const left = childrenOf(process.pid);
const report: Report = { heard, afterDeath, children: [running.length, left.length] };
process.stdout.write(JSON.stringify(report));
process.exit(0);
