/** A program that runs beside the test: what it says is kept, and it is killed when disposed of. */
import type { Netns, SpawnOptions } from './netns.ts';
import { eventually } from './eventually.ts';

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Waits for its end. @returns its exit code; null if a signal ended it. @throws if patience ends first */
  ended(): Promise<number | null>;
  readonly running: boolean;
  /** All of stdout and stderr so far, in the order of arrival. */
  said(): string;
  /** stdout alone, so far. */
  stdout(): string;
  /** Waits until it has said what `pattern` matches. @throws if it ends, or patience does, before that */
  says(pattern: RegExp, since?: number): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
}

/** Starts a program inside a namespace. `ip netns exec` becomes the program itself, so the pid is the program's own. */
export function start(ns: Netns, argv: readonly string[], options: SpawnOptions = {}): Program {
  const child = ns.spawn(argv, options);
  let all = '';
  let out = '';
  const follow = async (stream: ReadableStream<Uint8Array>, isOut: boolean) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      const text = decoder.decode(bytes, { stream: true });
      all += text;
      if (isOut) out += text;
    }
  };
  const read = Promise.all([follow(child.stdout, true), follow(child.stderr, false)]);
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid,
    async ended() {
      await eventually(`${argv.join(' ')} to end`, () => !running());
      await read;
      return child.exitCode;
    },
    get running() {
      return running();
    },
    said: () => all,
    stdout: () => out,
    async says(pattern, since = 0) {
      return eventually(`${argv.join(' ')} to say ${pattern}`, async () => {
        const over = !running();
        if (over) await read;
        const match = pattern.exec(all.slice(since));
        if (match === null && over) throw new Error(`${argv.join(' ')} ended without ${pattern}:\n${all}`);
        return match ?? undefined;
      }).catch((error: unknown) => {
        throw new Error(`it said:\n${all}`, { cause: error });
      });
    },
    signal: (name) => child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
