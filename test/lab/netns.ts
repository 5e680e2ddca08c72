/** Network namespaces for tests: named after this process, gone when disposed of. The machine's own network is untouched. */
import { mkdir, rm, rmdir } from 'node:fs/promises';

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
  #hasFiles = false;

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

  /** Runs commands of ip(8), one a line, inside. */
  batch(lines: readonly string[]): Promise<string> {
    return this.must(['ip', '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
  }

  /** Programs started inside from now on resolve names there. `ip netns exec` puts the file in place of theirs. */
  resolveAt(nameserver: string): Promise<void> {
    return this.etc('resolv.conf', `nameserver ${nameserver}\n`);
  }

  /** For programs started inside from now on, a file of /etc that exists outside has this text. */
  async etc(name: string, text: string): Promise<void> {
    this.#hasFiles = true;
    await mkdir(`${FILES}/${this.name}`, { recursive: true });
    await Bun.write(`${FILES}/${this.name}/${name}`, text);
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
    if (!this.#hasFiles) return;
    await rm(`${FILES}/${this.name}`, { recursive: true });
    // Stays while it has files of other namespaces.
    await rmdir(FILES).catch(() => {});
  }
}

/** Where ip-netns(8) finds files that stand in for those of /etc inside of a namespace. */
const FILES = '/etc/netns';

let serial = 0;

/** Two namespaces, joined by a veth pair; `a` and `b` are the addresses with prefix, e.g. `['10.0.0.1/24', 'fd00::1/64']`. */
export async function join(
  a: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
  b: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
): Promise<void> {
  const peer = ['peer', 'name', b.device, 'address', MAC_B, 'netns', b.ns.name];
  await must(['ip', 'link', 'add', a.device, 'address', MAC_A, 'netns', a.ns.name, 'type', 'veth', ...peer]);
  await plug(a, b.addresses, MAC_B);
  await plug(b, a.addresses, MAC_A);
}

async function plug(
  {
    ns,
    device,
    addresses,
  }: { readonly ns: Netns; readonly device: string; readonly addresses: readonly string[] },
  neighbours: readonly string[],
  mac: string,
): Promise<void> {
  await ns.batch([
    // nodad: duplicate address detection would keep an IPv6 address unusable for a second.
    ...addresses.map((text) => `addr add ${text} dev ${device} ${text.includes(':') ? 'nodad' : ''}`),
    `link set ${device} up`,
    // On a link that has just come up the first IPv6 neighbour solicitation is often lost; the next is a second away.
    ...neighbours.map((text) => `neigh add ${text.split('/')[0]} lladdr ${mac} dev ${device}`),
  ]);
}

/** Of the two ends of a pair: locally administered unicast (IEEE 802, §8.4). */
const MAC_A = '02:00:00:00:00:0a';
const MAC_B = '02:00:00:00:00:0b';

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
