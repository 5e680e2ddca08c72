/** The small Internet with resolvers everywhere: those of both sides, and the machine's own at the gateway. */
import { askedOf, startDnsmasq } from './dnsmasq.ts';
import { dig, statusOf } from './dig.ts';
import { addForeignRules } from './firewalls.ts';
import { folderForEach, type Folder } from './folder.ts';
import { GATEWAY, type Pair } from './internet.ts';
import { internetForAll } from './internet_for_all.ts';
import type { Netns } from './netns.ts';
import type { Program } from './program.ts';
import { startSnet } from './snet.ts';
import {
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

export interface Names {
  /** Where the programs run that have questions. */
  readonly ns: Netns;
  /** Where the resolvers are. */
  readonly world: Netns;
  /** For each test another, so that none finds what another kept. */
  readonly folder: Folder;
  /** Starts snet with a configuration of {@link configure} in the folder. */
  readonly run: (dns?: object, keys?: object) => Promise<Program>;
  readonly addressesOf: (name: string, ...args: readonly string[]) => Promise<string[]>;
  readonly statusOf: (name: string) => Promise<string | undefined>;
  /** What both sides are asked while `body` runs. */
  readonly asked: (body: () => Promise<unknown>) => Promise<AskedSides>;
}

/** For all tests of a `describe`. */
export function namesForAll(): Names {
  const folder = folderForEach();
  let china: Program;
  let trusted: Program;
  const internet = internetForAll(async (made, undo) => {
    const startAt = async ({ v4, v6 }: Pair, zones: Readonly<Record<string, readonly string[]>>) =>
      undo.use(await startDnsmasq(made.world, { listen: [v4, v6], zones }));
    await placeResolvers(made);
    china = await startAt(CHINA_RESOLVER, CHINA_ZONES);
    trusted = await startAt(TRUSTED, TRUSTED_ZONES);
    await startAt(GATEWAY, { example: [ORIGINAL], cn: [ORIGINAL], lan: [LAN] });
    undo.use(await startServer(made.far));
    // Those who use iptables make tables, which stay when all of their rules are gone.
    await addForeignRules(made.client);
  });
  const answer = async (...args: readonly string[]) => (await internet.client.run(dig(...args))).stdout;
  return {
    get ns() {
      return internet.client;
    },
    get world() {
      return internet.world;
    },
    folder,
    run: async (dns, keys) =>
      startSnet(internet.client, ['-c', await configure(folder.path, dns, keys)], { dns: true }),
    addressesOf: async (name, ...args) => (await answer(name, '+short', ...args)).trim().split('\n'),
    statusOf: async (name) => statusOf(await answer(name)),
    async asked(body) {
      const [before, beforeTrusted] = [askedOf(china).length, askedOf(trusted).length];
      await body();
      return { china: askedOf(china).slice(before), trusted: askedOf(trusted).slice(beforeTrusted) };
    },
  };
}
