/** The demo's actors: child processes of this same program, each in its site's namespace. */
import { selfArgv, type Child, type Runner } from '../base/runner.ts';
import { DemoError } from './errors.ts';
import { parseFetched, type Fetched } from './fetcher.ts';
import { DEMO_ARG, METHOD, READY, type Role } from './role.ts';
import { namespaceOf, SITE_ADDRESS, type Site } from './topology.ts';
import { transcribe } from './transcript.ts';

const SERVER_PORT = 8388;
const START_TIMEOUT_MS = 15_000;
const RUN_TIMEOUT_MS = 60_000;

export interface Cast extends AsyncDisposable {
  /** Starts the Internet, and waits until it answers. */
  origin(): Promise<void>;
  /** Starts the Shadowsocks server, and waits until it listens. */
  server(password: string): Promise<void>;
  /** Starts `snet run`, and waits until its rules are in force. */
  proxy(password: string): Promise<Proxy>;
  /** Fetches on the client, in a process that knows of no proxy. */
  fetch(urls: readonly string[]): Promise<Fetched[]>;
  /** Runs `snet clean` on the client. @returns what it found there to remove */
  clean(): Promise<string[]>;
}

export interface Proxy {
  /** SIGKILL, as a crash would be; resolves when the process is gone. */
  kill(): Promise<void>;
}

/**
 * @param owner whose namespaces to play in
 * @param signal ends all actors at once; what waits for one of them throws then
 */
export function castFor(runner: Runner, owner: number, signal: AbortSignal): Cast {
  const children = new Set<Child>();
  const inside = (site: Site, args: readonly string[]) => [
    'ip',
    'netns',
    'exec',
    namespaceOf(owner, site),
    ...selfArgv(args),
  ];
  const part = (role: Role, args: readonly string[]) => [DEMO_ARG, role, ...args];
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  signal.addEventListener('abort', killAll);

  /** Starts a child that serves, and waits for its word. */
  async function start(
    site: Site,
    args: readonly string[],
    { name, voice, word }: { name: string; voice: 'stdout' | 'stderr'; word: RegExp },
  ) {
    signal.throwIfAborted();
    const child = runner.start(inside(site, args));
    children.add(child);
    const transcripts = { stdout: transcribe(child.stdout), stderr: transcribe(child.stderr) };
    const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
    const up = await transcripts[voice].says(word);
    clearTimeout(timer);
    if (up) return child;
    const [code, said] = await Promise.all([child.exited, transcripts.stderr.whole()]);
    throw new DemoError('ERR_DEMO_CHILD', `${name} did not come up: exit code ${code}\n${said}`);
  }

  /** Runs a child to its end. @returns its stdout */
  async function run(site: Site, args: readonly string[]): Promise<string> {
    signal.throwIfAborted();
    const { code, stdout, stderr } = await runner.run(inside(site, args), { timeout: RUN_TIMEOUT_MS });
    if (code === 0) return stdout;
    throw new DemoError('ERR_DEMO_CHILD', `snet ${args[0]}: exit code ${code}\n${stderr}`);
  }

  const ready = { voice: 'stdout', word: new RegExp(`^${READY}$`) } as const;
  return {
    async origin() {
      await start('origin', part('origin', []), { name: 'the web server', ...ready });
    },
    async server(password) {
      const args = part('server', [password, String(SERVER_PORT)]);
      await start('server', args, { name: 'the Shadowsocks server', ...ready });
    },
    async proxy(password) {
      const url = `ss://${METHOD}:${password}@${SITE_ADDRESS.server.v4}:${SERVER_PORT}`;
      const child = await start('client', ['run', url, '--no-dns'], {
        name: 'snet run',
        voice: 'stderr',
        word: /\bready upstream=/,
      });
      return {
        async kill() {
          child.kill('SIGKILL');
          await child.exited;
        },
      };
    },
    fetch: async (urls) => parseFetched(await run('client', part('fetch', urls))),
    async clean() {
      const { removed } = JSON.parse(await run('client', ['clean', '--json'])) as { removed: string[] };
      return removed;
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', killAll);
      killAll();
      await Promise.all([...children].map((child) => child.exited));
    },
  };
}
