/** The small Internet with resolvers everywhere: those of both sides, and the machine's own at the gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'bun:test';
import { askedOf, startDnsmasq } from './dnsmasq.ts';
import { addForeignRules } from './firewalls.ts';
import { createInternet, GATEWAY } from './internet.ts';
import type { Netns } from './netns.ts';
import type { Program } from './program.ts';
import { startSnet } from './snet.ts';
import {
  ANYBODY,
  CHINA_RESOLVER,
  CHINA_ZONES,
  configure,
  placeResolvers,
  TRUSTED,
  TRUSTED_ZONES,
} from './two_sides.ts';
import { startServer } from './upstream.ts';

/** What the machine's own resolver says of the tests' names: so it is known who answered. */
export const ORIGINAL = '192.0.2.1';
/** What it says of names of the local network. */
export const LAN = '192.168.7.77';

export interface AskedSides {
  readonly china: readonly string[];
  readonly trusted: readonly string[];
}

export interface Names extends AsyncDisposable {
  /** Where the programs run that have questions. */
  readonly ns: Netns;
  /** An empty folder; each call makes another. */
  folder(): Promise<string>;
  /** Starts snet with a configuration of {@link configure} in a folder. */
  run(folder: string, dns?: object, keys?: object): Promise<Program>;
  /** What dig prints; a server is given as `@ADDRESS`, else it is one where nobody is. */
  dig(name: string, ...args: readonly string[]): Promise<string>;
  addressesOf(name: string, ...args: readonly string[]): Promise<string[]>;
  statusOf(name: string): Promise<string | undefined>;
  /** What both sides are asked while `body` runs. */
  asked(body: () => Promise<unknown>): Promise<AskedSides>;
}

export async function createNames(): Promise<Names> {
  await using undo = new AsyncDisposableStack();
  const internet = undo.use(await createInternet());
  const { client: ns, world } = internet;
  await placeResolvers(internet);
  const listenAs = ({ v4, v6 }: { readonly v4: string; readonly v6: string }) => [v4, v6];
  const china = undo.use(await startDnsmasq(world, { listen: listenAs(CHINA_RESOLVER), zones: CHINA_ZONES }));
  const trusted = undo.use(await startDnsmasq(world, { listen: listenAs(TRUSTED), zones: TRUSTED_ZONES }));
  const own = { example: [ORIGINAL], cn: [ORIGINAL], lan: [LAN] };
  undo.use(await startDnsmasq(world, { listen: listenAs(GATEWAY), zones: own }));
  undo.use(await startServer(internet.far));
  // Those who use iptables make tables, which stay when all of their rules are gone.
  await addForeignRules(ns);

  const dig: Names['dig'] = async (name, ...args) => {
    const server = args.some((arg) => arg.startsWith('@')) ? [] : [`@${ANYBODY.v4}`];
    return (await ns.run(['dig', '+tries=1', '+time=5', ...server, ...args, name])).stdout;
  };
  const kept = undo.move();
  return {
    ns,
    async folder() {
      const path = await mkdtemp(join(tmpdir(), 'snet-e2e-'));
      kept.defer(() => rm(path, { recursive: true }));
      return path;
    },
    run: async (folder, dns, keys) =>
      startSnet(ns, ['-c', await configure(folder, dns, keys)], { dns: true }),
    dig,
    addressesOf: async (name, ...args) => (await dig(name, '+short', ...args)).trim().split('\n'),
    statusOf: async (name) => /status: (\w+)/.exec(await dig(name))?.[1],
    async asked(body) {
      const [before, beforeTrusted] = [askedOf(china).length, askedOf(trusted).length];
      await body();
      return { china: askedOf(china).slice(before), trusted: askedOf(trusted).slice(beforeTrusted) };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Ends it in order. */
export async function stop(snet: Program): Promise<void> {
  snet.signal('SIGTERM');
  expect(await snet.ended()).toBe(0);
}
