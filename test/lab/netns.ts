/** Network namespaces for tests: named after this process, gone when disposed of. The machine's own network is untouched. */

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly stdin?: string | Uint8Array | undefined;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

export class Netns implements AsyncDisposable {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** @param label a word that tells it from the others of this test; `lo` is up in it */
  static async create(label: string): Promise<Netns> {
    const ns = new Netns(`snet-${process.pid}-${serial++}-${label}`);
    await must(['ip', 'netns', 'add', ns.name]);
    await ns.must(['ip', 'link', 'set', 'lo', 'up']);
    return ns;
  }

  /** The command line that runs `argv` inside. */
  inside(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }

  /** Starts a program inside; its stdout and stderr are pipes. Dispose of it to kill it. */
  spawn(argv: readonly string[], options: SpawnOptions = {}) {
    return Bun.spawn(this.inside(argv), {
      stdin: options.stdin === undefined ? 'ignore' : Buffer.from(options.stdin),
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
  }

  /** Runs a program inside to its end. */
  async run(argv: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
    const child = this.spawn(argv, options);
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  /** The same; throws if it fails. @returns its stdout */
  async must(argv: readonly string[], options: SpawnOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options);
    if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr || stdout}`);
    return stdout;
  }

  /** Runs a script of the tests with bun, inside. */
  script(path: string, args: readonly string[] = [], options: SpawnOptions = {}): Promise<Finished> {
    return this.run([process.execPath, path, ...args], options);
  }

  /** The command line of snet itself: the sources, or the binary that SNET_BINARY names. */
  static snet(args: readonly string[]): string[] {
    const binary = process.env['SNET_BINARY'];
    return binary ? [binary, ...args] : [process.execPath, MAIN, ...args];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pids = (await run(['ip', 'netns', 'pids', this.name])).stdout.split('\n').filter(Boolean);
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended by itself in between.
      }
    }
    await run(['ip', 'netns', 'del', this.name]);
  }
}

let serial = 0;

/** Two namespaces, joined by a veth pair; `a` and `b` are the addresses with prefix, e.g. `['10.0.0.1/24', 'fd00::1/64']`. */
export async function join(
  a: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
  b: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
): Promise<void> {
  const pair = ['type', 'veth', 'peer', 'name', b.device, 'netns', b.ns.name];
  await must(['ip', 'link', 'add', a.device, 'netns', a.ns.name, ...pair]);
  for (const { ns, device, addresses } of [a, b]) {
    for (const address of addresses) {
      // nodad: duplicate address detection would keep an IPv6 address unusable for a second.
      await ns.must([
        'ip',
        'addr',
        'add',
        address,
        'dev',
        device,
        ...(address.includes(':') ? ['nodad'] : []),
      ]);
    }
    await ns.must(['ip', 'link', 'set', device, 'up']);
  }
}

async function run(argv: readonly string[]): Promise<Finished> {
  const child = Bun.spawn([...argv], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

async function must(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await run(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}`);
}
