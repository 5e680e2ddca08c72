/** Makes the demo's namespaces, and takes them away with everything that runs in them. */
import { RunError, type Finished, type Runner } from '../base/runner.ts';
import { DemoError } from './errors.ts';
import { buildCommands, namespaceOf, ownerOf, SITES, type Command } from './topology.ts';

const IP_TIMEOUT_MS = 10_000;

/** @throws DemoError with what `ip` said; what was made by then is for {@link removeNamespaces} */
export async function buildNamespaces(runner: Runner, owner: number, signal: AbortSignal): Promise<void> {
  for (const command of buildCommands(owner)) {
    signal.throwIfAborted();
    const { code, stderr } = await ip(runner, command);
    if (code !== 0) {
      throw new DemoError('ERR_DEMO_NAMESPACES', `${command.argv.join(' ')}: ${stderr.trim()}`, {
        hint: 'the demo needs a Linux kernel with network namespaces, veth and IPv6, and in a container --privileged',
      });
    }
  }
}

/** Ends what runs in one demo's namespaces, and removes them. Does nothing where there are none. */
export async function removeNamespaces(runner: Runner, owner: number): Promise<void> {
  const present = new Set(await namespaces(runner));
  for (const name of SITES.map((site) => namespaceOf(owner, site))) {
    if (!present.has(name)) continue;
    const { stdout } = await ip(runner, { argv: ['ip', 'netns', 'pids', name] });
    for (const pid of stdout.split('\n').filter(Boolean)) kill(Number(pid));
    await ip(runner, { argv: ['ip', 'netns', 'del', name] });
  }
}

/** The same for demos that were killed before they could do it. */
export async function removeLeftovers(runner: Runner): Promise<void> {
  const owners = new Set((await namespaces(runner)).map(ownerOf));
  for (const owner of owners) {
    if (owner !== undefined && !isAlive(owner)) await removeNamespaces(runner, owner);
  }
}

async function namespaces(runner: Runner): Promise<string[]> {
  const { stdout } = await ip(runner, { argv: ['ip', 'netns', 'list'] });
  // `name`, or `name (id: 0)`
  return stdout.split('\n').map((line) => line.split(' ', 1)[0]!);
}

/** @throws DemoError if there is no `ip` */
async function ip(runner: Runner, { argv, stdin }: Command): Promise<Finished> {
  try {
    return await runner.run(argv, { timeout: IP_TIMEOUT_MS, ...(stdin === undefined ? {} : { stdin }) });
  } catch (cause) {
    if (!(cause instanceof RunError) || cause.status !== 'ERR_RUN_MISSING') throw cause;
    throw new DemoError('ERR_DEMO_UNSUPPORTED', 'the demo needs the program ip, of iproute2', {
      cause,
      hint: 'Debian and Ubuntu have it in the package iproute2; only Linux has network namespaces.',
    });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
