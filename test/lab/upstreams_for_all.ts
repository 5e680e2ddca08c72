/** The small Internet, with whatever upstream a test wants at its far end, for all tests of a `describe`. */
import { writeFile } from 'node:fs/promises';
import { eventually } from './eventually.ts';
import { folderForAll, type Folder } from './folder.ts';
import type { Internet } from './internet.ts';
import { internetForAll } from './internet_for_all.ts';
import { createIdentity, type Identity } from './proxies.ts';
import { start, type Program } from './program.ts';
import { beside } from './snet.ts';
import type { FarEnd, FarOptions, Kind } from './upstream_kinds.ts';

/** Fetched, or reset, or else how the program says it. */
export type Fate = 'well' | 'reset' | (string & {});

/** Exit codes of curl for a connection that was reset: while it still thought to connect, while sending, while waiting. */
const RESET_CODES = [7, 55, 56];

export interface UpstreamLab {
  readonly internet: Internet;
  readonly folder: Folder;
  /** Of servers with TLS at the far end. */
  readonly identity: Identity;
  /** Runs a command line in the client's namespace. @returns its stdout */
  readonly shell: (script: string) => Promise<string>;
  /** Starts the far end of a kind. */
  readonly startFar: (kind: Kind, options?: Partial<FarOptions>) => Promise<FarEnd>;
  /** Runs `body` beside `snet run` with this upstream, a link or what the configuration has, and other keys. */
  withSnet(upstream: string | object, body: (snet: Program) => Promise<void>, keys?: object): Promise<void>;
  /** What becomes of a client that asks for a page. */
  readonly fetch: (url: string) => Promise<Fate>;
  /** The same, of one that waits for the server to say a line first. */
  readonly listen: (address: string, port: number) => Promise<Fate>;
  /** What becomes of one client, and the status by which snet tells of it. */
  readonly endOf: (snet: Program, client: () => Promise<Fate>) => Promise<readonly [Fate, string]>;
}

/** @param prepare starts what else is there all the time, and leaves it to `undo` */
export function upstreamsForAll(
  prepare?: (lab: UpstreamLab, undo: AsyncDisposableStack) => Promise<void>,
): UpstreamLab {
  const folder = folderForAll();
  let identity: Identity;
  const internet = internetForAll(async ({ far }, undo) => {
    identity = await createIdentity(far, folder.path);
    await prepare?.(lab, undo);
  });
  const lab: UpstreamLab = {
    internet,
    folder,
    get identity() {
      return identity;
    },
    shell: (script) => internet.client.must(['sh', '-c', script]),
    startFar: (kind, options = {}) => kind.start(internet.far, { folder: folder.path, identity, ...options }),
    async withSnet(upstream, body, keys = {}) {
      const file = folder.file('snet.json');
      await writeFile(file, JSON.stringify({ upstream, ...keys }), { mode: 0o600 });
      await beside(internet.client, ['-c', file], body);
    },
    async fetch(url) {
      const { code, stderr } = await internet.client.run(['curl', '-sS', '-o', '/dev/null', '-m', '9', url]);
      if (code === 0) return 'well';
      return RESET_CODES.includes(code) ? 'reset' : stderr;
    },
    async listen(address, port) {
      const read = `exec 3<>/dev/tcp/${address}/${port} && exec head -n1 <&3`;
      const { code, stdout, stderr } = await internet.client.run(['timeout', '9', 'bash', '-c', read]);
      if (code === 0) return stdout === '' ? 'an empty answer' : 'well';
      return /reset by peer/.test(stderr) ? 'reset' : `${stderr} (exit code ${code})`;
    },
    async endOf(snet, client) {
      const since = snet.said().length;
      const fate = await client();
      return [fate, (await snet.says(/ status=(ERR_\S+) destination=/, since))[1]!];
    },
  };
  return lab;
}

/** Starts a program at the far end; resolves once somebody listens at `port`. */
export async function startListener(internet: Internet, port: number, script: string): Promise<Program> {
  const program = start(internet.far, ['sh', '-c', script]);
  await eventually(`somebody to listen at port ${port}`, async () => {
    if (!program.running) throw new Error(`${script} has ended: ${program.said()}`);
    return (await internet.far.must(['ss', '-Hltn', `sport = ${port}`])) !== '';
  });
  return program;
}
