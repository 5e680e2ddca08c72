/**
 * Three upstreams, each on a machine of its own: who was used is told by the address that the origins see.
 *
 *   151.101.1.6     ss-server      first
 *   151.101.65.6    ss-server      second
 *   151.101.129.6   microsocks     third
 */
import { writeFile } from 'node:fs/promises';
import { folderForAll } from './folder.ts';
import { ABROAD, createFar, FAR, url, type Internet, type Pair } from './internet.ts';
import { internetForAll } from './internet_for_all.ts';
import type { Netns } from './netns.ts';
import { start, type Program } from './program.ts';
import { startMicrosocks } from './proxies.ts';
import { PORTS } from './services.ts';
import { beside, type SnetOptions } from './snet.ts';
import { SERVER, shareLink, startServer } from './upstream.ts';

const STORM = new URL('dial_storm.ts', import.meta.url).pathname;
const SECOND: Pair = { v4: '151.101.65.6', v6: '2a04:4e42:200::6' };
const SECOND_GATEWAY: Pair = { v4: '151.101.65.1', v6: '2a04:4e42:200::1' };
const THIRD: Pair = { v4: '151.101.129.6', v6: '2a04:4e42:400::6' };
const THIRD_GATEWAY: Pair = { v4: '151.101.129.1', v6: '2a04:4e42:400::1' };
const SOCKS = 1080;

/** Somewhere to be asked for by probes, which is in the lab. */
export const PROBE_URL = url(ABROAD.v4, 'probe');

export interface One {
  readonly address: string;
  readonly link: string;
  readonly ns: Netns;
  start(): Promise<Program>;
}

export interface GroupLab {
  readonly internet: Internet;
  readonly ones: readonly [One, One, One];
  /** Runs `body` beside `snet run` with a group. @returns what `body` does */
  beside(keys: object, body: (snet: Program) => Promise<void>, options?: SnetOptions): Promise<void>;
  /** The same with all three, as they are; `programs` are theirs. */
  withAll(
    group: object,
    body: (snet: Program, programs: readonly Program[]) => Promise<void>,
    keys?: object,
  ): Promise<void>;
  /** Writes the configuration that {@link GroupLab.beside} has given to snet anew. */
  rewrite(keys: object): Promise<void>;
  /** Who carries one more connection to an origin: its address; '': nobody. */
  who(origin?: string): Promise<string>;
  /** The same for many. */
  whoAll(count: number, origin?: string): Promise<string[]>;
}

export function groupForAll(): GroupLab {
  const folder = folderForAll();
  const namespaces: Netns[] = [];
  const internet = internetForAll(async (made, undo) => {
    namespaces.push(made.far);
    namespaces.push(undo.use(await createFar(made, 'second', SECOND, SECOND_GATEWAY)));
    namespaces.push(undo.use(await createFar(made, 'third', THIRD, THIRD_GATEWAY)));
  });
  const at = (index: number, { v4 }: Pair, link: string, begin: (ns: Netns) => Promise<Program>): One => ({
    address: v4,
    link,
    get ns() {
      return namespaces[index]!;
    },
    start: () => begin(namespaces[index]!),
  });
  const ones = [
    at(0, FAR, shareLink(FAR.v4), (ns) => startServer(ns, SERVER)),
    at(1, SECOND, shareLink(SECOND.v4), (ns) => startServer(ns, SERVER)),
    at(2, THIRD, `socks5://${THIRD.v4}:${SOCKS}`, (ns) => startMicrosocks(ns, { port: SOCKS })),
  ] as const;
  const file = () => folder.file('snet.json');
  const rewrite = (keys: object) => writeFile(file(), JSON.stringify(keys), { mode: 0o600 });

  const lab: GroupLab = {
    internet,
    ones,
    rewrite,
    async beside(keys, body, options) {
      await rewrite(keys);
      await beside(internet.client, ['-c', file()], body, options);
    },
    async withAll(group, body, keys = {}) {
      await using undo = new AsyncDisposableStack();
      const programs = await Promise.all(ones.map(async (one) => undo.use(await one.start())));
      await lab.beside({ upstream: ones.map(({ link }) => link), group, ...keys }, (snet) =>
        body(snet, programs),
      );
    },
    async who(origin = ABROAD.v4) {
      const { stdout } = await internet.client.run(['curl', '-sS', '-m', '5', url(origin)]);
      return stdout.trim();
    },
    async whoAll(count, origin) {
      const seen: string[] = [];
      for (let i = 0; i < count; i++) seen.push(await lab.who(origin));
      return seen;
    },
  };
  return lab;
}

export interface Dial {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly ms: number;
  /** `answered`, or what became of it. */
  readonly result: string;
}

export const PER_SECOND = 50;

/**
 * Fifty new connections a second to the greeter, which speaks first, or with a word of theirs to the echo. What they
 * came to is told once they have all ended.
 */
export async function startStorm({ client }: Internet, seconds: number, word?: string) {
  const port = String(word === undefined ? PORTS.greeter : PORTS.echo);
  const rate = [String(PER_SECOND), String(seconds)];
  const more = word === undefined ? [] : [word];
  const program = start(client, [process.execPath, STORM, ABROAD.v4, port, ...rate, ...more]);
  await program.says(/^ready$/m);
  return {
    async dials(): Promise<Dial[]> {
      if ((await program.ended()) !== 0) throw new Error(`the storm failed: ${program.said()}`);
      const [, ...lines] = program.stdout().trim().split('\n');
      return lines.map((line) => JSON.parse(line) as Dial);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** That many downloads that go on for ever, a byte at a time. */
export function startDownloads({ client }: Internet, count: number): Program {
  const all = `${url(ABROAD.v4, '', PORTS.drip)}?[1-${count}]`;
  const parallel = ['-Z', '--parallel-immediate', '--parallel-max', String(count)];
  return start(client, ['curl', '-sS', '--http0.9', ...parallel, '-o', '/dev/null', all]);
}

/** What comes to this machine, or goes from it, is dropped without a word from now on. */
export async function blackhole(ns: Netns): Promise<void> {
  const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority -300; drop; };`;
  await ns.must(['nft', '-f', '-'], { stdin: `table inet hole { ${chain('input')} ${chain('output')} }\n` });
}

export async function endBlackhole(ns: Netns): Promise<void> {
  await ns.must(['nft', 'delete', 'table', 'inet', 'hole']);
}

/** Every change of state that the log tells of, in order: `down 151.101.1.6`, `back 151.101.1.6`. */
export function changes(snet: Program): string[] {
  const lines = snet.said().matchAll(/(?:an|the last) upstream is (down|back).*? upstream="?\S+ ([\d.]+):/g);
  return [...lines].map(([, change, address]) => `${change} ${address}`);
}
