/** What is compared: snet in its variants, and shadowsocks-libev's ss-redir, each redirecting the same namespace. */
import { Netns } from '../lab/netns.ts';

export const PORT = 1111;
export const PASSWORD = 'a-password-for-the-bench';

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** Milliseconds from the exec until connections were redirected and accepted. */
  readonly startMs: number;
}

export interface Subject {
  readonly name: string;
  /** Redirects all connections to `origin`'s net made in `client` through the server. */
  start(client: Netns, server: Server): Promise<Running>;
}

export interface Server {
  readonly address: string;
  readonly port: number;
  readonly method: string;
}

/** snet itself: the compiled binary, so that what is measured is what is shipped. */
export function snet(binary: string, aead: string = 'auto'): Subject {
  return {
    name: aead === 'auto' ? 'snet' : `snet (${aead})`,
    start(client, { address, port, method }) {
      const upstream = { type: 'shadowsocks', server: address, port, method, password: PASSWORD };
      return snetWith(binary, upstream, aead).start(client);
    },
  };
}

/** The same with any upstream, as the configuration has it. */
export function snetWith(binary: string, upstream: object, aead: string = 'auto') {
  return {
    async start(client: Netns): Promise<Running> {
      const config = { upstream, listen: { port: PORT }, dns: { cache: { directory: false } }, aead };
      const path = `/tmp/snet-bench-${process.pid}.json`;
      await Bun.write(path, JSON.stringify(config));
      const began = performance.now();
      const child = client.spawn([binary, 'run', '-c', path]);
      await lineWith(child.stderr, 'ready');
      return running(child, performance.now() - began);
    },
  };
}

export const ssRedir: Subject = {
  name: 'ss-redir',
  async start(client, { address, port, method }) {
    const argv = ['ss-redir', '-s', address, '-p', String(port), '-l', String(PORT), '-b', '0.0.0.0'];
    const began = performance.now();
    const child = client.spawn([...argv, '-k', PASSWORD, '-m', method, '-t', '600']);
    const undo = await redirected(client);
    return running(child, performance.now() - began, undo);
  },
};

/** For those that have no rules of their own: the usual ones, once somebody listens. @returns what takes them out */
export async function redirected(client: Netns): Promise<() => Promise<unknown>> {
  const ruleset = [
    'table ip bench { chain output {',
    'type nat hook output priority -100;',
    'ip daddr { 10.0.0.0/8, 127.0.0.0/8 } return;',
    `meta l4proto tcp redirect to :${PORT};`,
    '}',
    '}',
    '',
  ].join('\n');
  await client.must(['nft', '-f', '-'], { stdin: ruleset });
  while ((await client.run(['nc', '-z', '127.0.0.1', String(PORT)])).code !== 0);
  return () => client.must(['nft', 'delete', 'table', 'ip', 'bench']);
}

export function running(
  child: ReturnType<Netns['spawn']>,
  startMs: number,
  undo: () => Promise<unknown> = () => Promise.resolve(),
): Running {
  return {
    // `ip netns exec` becomes the program that it runs: its pid is the program's.
    pid: child.pid,
    startMs,
    async [Symbol.asyncDispose]() {
      await undo();
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}

/** Waits for a line with a word in it; reads on in the background, so that the program never blocks on its pipe. */
export async function lineWith(stream: ReadableStream<Uint8Array>, word: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let text = '';
  const drain = async () => {
    for await (const chunk of stream) {
      text += new TextDecoder().decode(chunk);
      if (text.includes(word)) resolve();
    }
    reject(new Error(`ended without "${word}": ${text}`));
  };
  drain().catch(reject);
  await promise;
}
