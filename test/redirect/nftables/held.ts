/** A script that runs in a namespace and is talked to line by line. */
import type { Netns } from '../../lab/netns.ts';

const SCRIPTS = new URL('scripts/', import.meta.url).pathname;

export class Held implements AsyncDisposable {
  readonly #child;
  readonly #lines: AsyncIterator<string>;

  private constructor(ns: Netns, script: string, args: readonly string[]) {
    this.#child = Bun.spawn(ns.inside([process.execPath, SCRIPTS + script, ...args]), {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    this.#lines = lines(this.#child.stdout);
  }

  /** Starts a script of this folder. @returns it, and its first line */
  static async start(ns: Netns, script: string, ...args: readonly string[]): Promise<[Held, string]> {
    const held = new Held(ns, script, args);
    return [held, await held.line()];
  }

  /** The process in the namespace: `ip netns exec` becomes what it runs. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a line, waits for the answer. */
  async say(line: string): Promise<string> {
    await this.#child.stdin.write(`${line}\n`);
    await this.#child.stdin.flush();
    return this.line();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the script ended: exit ${await this.#child.exited}`);
    return value;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const whole = rest.split('\n');
    rest = whole.pop()!;
    yield* whole;
  }
}
