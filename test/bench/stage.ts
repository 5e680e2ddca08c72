/**
 * Where all but the resolver is measured: the proxy beside what loads it, and what it is compared by on the other side.
 *
 *   client ns ───veth─── far ns
 *   load, proxy          servers 10.77.0.2, origin 198.41.0.4 (on lo)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { join, Netns } from '../lab/netns.ts';
import { lineWith } from './subjects.ts';

export interface BenchOptions {
  /** snet. */
  readonly binary: string;
  readonly rounds: number;
  /** For one transfer. */
  readonly bytes: number;
  /** How many short connections a figure is made of. */
  readonly shortCount: number;
  /** Says how far it is. */
  readonly say: (text: string) => void;
}

export interface Stage extends AsyncDisposable {
  readonly client: Netns;
  readonly far: Netns;
  /** For files. */
  readonly folder: string;
  /** Runs load.ts against the origin. @param pid whose CPU or memory is measured */
  readonly load: (pid: number, mode: string, count: number, size?: number) => Promise<Record<string, number>>;
  /** Starts a program at the far end. @returns its pid once somebody listens at `port` */
  readonly listen: (port: number, argv: readonly string[]) => Promise<number>;
}

const ORIGIN = '198.41.0.4';
/** The far end, as the client sees it. */
export const FAR = '10.77.0.2';

export async function createStage(): Promise<Stage> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(joinPath(tmpdir(), 'snet-bench-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const client = undo.use(await Netns.create('client'));
  const far = undo.use(await Netns.create('far'));
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
  const kept = undo.move();
  return {
    client,
    far,
    folder,
    async load(pid, mode, count, size = 0) {
      const args = [pid, ORIGIN, mode, count, size].map(String);
      const { stdout, stderr } = await client.script(joinPath(import.meta.dir, 'load.ts'), args);
      if (stdout === '') throw new Error(`load ${mode}: ${stderr}`);
      return JSON.parse(stdout) as Record<string, number>;
    },
    async listen(port, argv) {
      const { pid } = far.spawn(argv);
      while ((await client.run(['nc', '-z', FAR, String(port)])).code !== 0);
      return pid;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
