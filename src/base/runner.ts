/** Starts other programs: the only place that does. Never through a shell; arguments are a list from here to exec. */
import { constants } from 'node:os';
import { SnetError } from './errors.ts';
import { pluginPath, systemPath } from './select_search_path.ts';

export interface Finished {
  /** Exit code; 128 + n for one that signal n has ended. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What the program reads; without it, nothing. */
  readonly stdin?: string;
  /** Milliseconds until it is killed; {@link TIMEOUT} if not said. */
  readonly timeout?: number;
}

/** A program that runs beside us. Its stdin is a pipe that closes when we end, in whatever way. */
export interface Child {
  readonly pid: number;
  readonly stdin: { write(text: string): unknown; flush(): unknown; end(): unknown };
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves with the exit code, as in {@link Finished}. */
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  /** In a session of its own: the terminal's Ctrl-C does not reach it. */
  readonly detached?: boolean;
  /** Variables that it finds besides those that every program does. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Tests give one that answers by itself. */
export interface Runner {
  /**
   * Runs a program to its end.
   * @throws RunError if it isn't there, or took too long; a failure of the program is its exit code
   */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>;
  /** @throws RunError if the program isn't there */
  start(argv: readonly string[], options?: StartOptions): Child;
}

export type RunStatus =
  /** No such program on the PATH. */
  | 'ERR_RUN_MISSING'
  /** It did not end in time, and was killed. */
  | 'ERR_RUN_TIMEOUT';

export class RunError extends SnetError<RunStatus> {}

/** Milliseconds: what the programs here do takes some tens of them. */
const TIMEOUT = 15_000;

/** Where programs are looked for that somebody has named. */
export const PLUGIN_PATH = pluginPath();
/** Where the machine's own are. */
const SYSTEM_PATH = systemPath();

/** A locale of the user's would change what programs say. */
const ENVIRONMENT = { PATH: PLUGIN_PATH, LC_ALL: 'C' };

/** In the root folder: bun reads settings from where it is started, and a file system with a child in it can't be unmounted. */
const SURROUNDINGS = { env: ENVIRONMENT, cwd: '/' } as const;

/** Where a program that is missing comes from, on Debian and its kin. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ipset: 'ipset',
  'iptables-save': 'iptables',
  'iptables-restore': 'iptables',
  'ip6tables-save': 'iptables',
  'ip6tables-restore': 'iptables',
  'obfs-local': 'simple-obfs',
  'v2ray-plugin': 'shadowsocks-v2ray-plugin',
  'ss-v2ray-plugin': 'shadowsocks-v2ray-plugin',
};

/** The machine's own programs. */
export const systemRunner: Runner = {
  async run(argv, { stdin, timeout = TIMEOUT } = {}) {
    const child = Bun.spawn(located(argv), {
      ...SURROUNDINGS,
      stdin: stdin === undefined ? 'ignore' : Buffer.from(stdin),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const finished = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    // Not waited for in vain: a child of that program (iptables starts modprobe) may hold the pipes longer than it lives.
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(overdue(argv, timeout));
    }, timeout);
    try {
      const [stdout, stderr, code] = await Promise.race([finished, late]);
      return { code, stdout, stderr };
    } finally {
      clearTimeout(timer);
    }
  },

  start(argv, { detached = false, env = {} } = {}) {
    const child = Bun.spawn(located(argv), {
      ...SURROUNDINGS,
      env: { ...ENVIRONMENT, ...env },
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
      detached,
    });
    return {
      pid: child.pid,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exited: child.exited,
      kill: (signal) => child.kill(signal),
    };
  },
};

/** Milliseconds: everything else of ours stands still meanwhile. */
const STANDSTILL = 3000;

/** As {@link Runner}'s `run`, but synchronous. */
export type RunNow = (argv: readonly string[], options?: Pick<RunOptions, 'timeout'>) => Finished;

/**
 * Runs a program to its end while nothing else of this process runs: only for what an error must say before it ends us.
 * @throws RunError, as `run`
 */
export const runNow: RunNow = (argv, { timeout = STANDSTILL } = {}) => {
  const { exitCode, signalCode, exitedDueToTimeout, stdout, stderr } = Bun.spawnSync(located(argv), {
    ...SURROUNDINGS,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout,
    killSignal: 'SIGKILL',
  });
  if (exitedDueToTimeout) throw overdue(argv, timeout);
  // The types know of no program that a signal has ended (Bun 1.4.5).
  const signal = signalCode as NodeJS.Signals | undefined;
  const code = signal === undefined ? exitCode : 128 + constants.signals[signal];
  return { code, stdout: stdout.toString(), stderr: stderr.toString() };
};

function overdue(argv: readonly string[], timeout: number): RunError {
  return new RunError('ERR_RUN_TIMEOUT', `${argv[0]} did not end within ${timeout} ms and was killed`);
}

/** How this program starts itself again: the executable; from sources, the runtime and the main file. */
export function selfArgv(args: readonly string[]): string[] {
  return Bun.main.startsWith('/$bunfs/')
    ? [process.execPath, ...args]
    : [process.execPath, Bun.main, ...args];
}

/** The argument list with the program's path in front: a name is one of the machine's own. */
function located([program, ...args]: readonly string[]): string[] {
  if (program === undefined) throw new TypeError('no program');
  const path = Bun.which(program, { PATH: SYSTEM_PATH });
  if (path === null) throw missingProgram(program);
  return [path, ...args];
}

/** The absolute path of a program that somebody has named, by its name or by that path; undefined if there is none to be run. */
export function findProgram(program: string): string | undefined {
  return Bun.which(program, { PATH: PLUGIN_PATH }) ?? undefined;
}

/** Says what is missing and, where that is known, the package to install. */
export function missingProgram(program: string): RunError {
  const from = PACKAGES[program];
  return new RunError('ERR_RUN_MISSING', `the program ${program} is not installed`, {
    hint: from === undefined ? undefined : `On Debian and Ubuntu: apt install ${from}`,
  });
}
