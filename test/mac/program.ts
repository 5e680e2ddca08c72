/** Programs on the Mac that is tested: those that end, and those that run beside. All they say is kept in files. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** Both, stdout first. */
  readonly said: string;
}

/** Milliseconds; a program that takes longer is killed. */
const LONGEST_MS = 60_000;

/** Runs a program to its end; one that isn't there has the code 127, as in a shell. */
export async function runToEnd(argv: readonly string[], longest: number = LONGEST_MS): Promise<Ended> {
  if (Bun.which(argv[0]!) === null) return { code: 127, stdout: '', said: `there is no ${argv[0]}\n` };
  const child = Bun.spawn([...argv], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: longest,
    killSignal: 'SIGKILL',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, said: stdout + stderr };
}

export interface Beside {
  readonly pid: number;
  readonly running: boolean;
  /** All of stdout and stderr so far. */
  said(): string;
  /** Waits until it has said what `pattern` matches, from the place `since` on. @throws if it ends before that, or time does */
  says(pattern: RegExp, milliseconds: number, since?: number): Promise<string>;
  signal(name: NodeJS.Signals): void;
  /** Waits for its end. @returns the exit code; null if a signal ended it. @throws if time ends first */
  ended(milliseconds: number): Promise<number | null>;
}

/** Starts a program; what it says goes to a file as well. */
export function startBeside(
  argv: readonly string[],
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): Beside {
  const child = Bun.spawn([...argv], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
  });
  let all = '';
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const text = decoder.decode(bytes, { stream: true });
      all += text;
      appendFileSync(logFile, text);
    }
  };
  const read = Promise.all([follow(child.stdout), follow(child.stderr)]);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid,
    get running() {
      return running();
    },
    said: () => all,
    async says(pattern, milliseconds, since = 0) {
      const found = await within(milliseconds, () => {
        const match = pattern.exec(all.slice(since));
        return match?.[0] ?? (running() ? undefined : false);
      });
      if (found === false) await read;
      const text = found || pattern.exec(all.slice(since))?.[0];
      if (text) return text;
      throw new Error(`${argv.at(-1)} has not said ${pattern}; its last words:\n${lastOf(all.slice(since))}`);
    },
    signal: (name) => child.kill(name),
    async ended(milliseconds) {
      if ((await within(milliseconds, () => !running() || undefined)) === undefined) {
        throw new Error(`process ${child.pid} has not ended; its last words:\n${lastOf(all)}`);
      }
      await read;
      return child.exitCode;
    },
  };
}

const PAUSE_MS = 100;

/** Asks again and again. @returns the first answer that is one, or undefined when time is over */
export async function within<T>(
  milliseconds: number,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || performance.now() > deadline) return answer;
    await Bun.sleep(PAUSE_MS);
  }
}

/** The last lines of a text: what fits into a report. */
export function lastOf(text: string, most = 12): string {
  return text.trimEnd().split('\n').slice(-most).join('\n');
}

/** A file of the report's folder. */
export const inFolder = (folder: string, name: string) => join(folder, name.replaceAll(/[^\w.-]+/g, '-'));
