/** A namespace that believes to be a Mac. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect } from 'bun:test';
import { firewalls } from '../firewalls.ts';
import { folderForEach, type Folder } from '../folder.ts';
import { ABROAD, CLIENT, GATEWAY, url, type Internet } from '../internet.ts';
import { Netns, type Finished } from '../netns.ts';
import { start, type Program } from '../program.ts';
import { FakeMac } from './fake_mac.ts';
import { writeMac } from './mac_file.ts';
import { stockMac, type MacState } from './mac_state.ts';
import { nftablesOf } from './pf_nftables.ts';

export { MAC_INSIDE } from './mac_file.ts';

const SNET = new URL('snet.ts', import.meta.url).pathname;

export interface MacNamespace {
  readonly mac: FakeMac;
  /** What it held before. */
  readonly before: unknown;
  /** Starts `snet run`; resolves once it redirects. */
  run(file: string, ...args: readonly string[]): Promise<Program>;
  /** The same, but waits for nothing. */
  begin(file: string, ...args: readonly string[]): Program;
  /** Runs `snet clean`. */
  clean(): Promise<Finished>;
  /** Runs a command of snet that is no other on a Mac. */
  ask(...args: readonly string[]): Promise<Finished>;
  /** Somebody else does something to the Mac, and its pf to packets. */
  change(change: (state: MacState) => void): Promise<void>;
}

/**
 * @param folder of its own: its programs find it as /run/snet, since each `ip netns exec` has mounts of its own
 * @param change what is not as on a Mac that has just booted
 */
export async function makeMac(
  ns: Netns,
  folder: string,
  change: (state: MacState) => void = () => {},
): Promise<MacNamespace> {
  const path = join(folder, 'mac.json');
  const state = stockMac();
  state.nameservers = [GATEWAY.v4];
  state.gateway = GATEWAY.v4;
  change(state);
  writeMac(path, state);
  const mac = new FakeMac(path);
  const actuate = () => ns.must(['nft', '-f', '-'], { stdin: nftablesOf(mac.state) });
  await actuate();
  const mounted = (argv: readonly string[]) => [
    'sh',
    '-c',
    'mkdir -p -m 700 /run/snet && mount --bind "$0" /run/snet && exec "$@"',
    folder,
    ...argv,
  ];
  const line = (args: readonly string[]) => mounted([process.execPath, SNET, ...args]);
  const begin = (file: string, ...args: readonly string[]) => start(ns, line(['run', '-c', file, ...args]));
  return {
    mac,
    before: mac.held(),
    begin,
    async run(file, ...args) {
      const snet = begin(file, ...args);
      await snet.says(/ ready /);
      return snet;
    },
    clean: () => ns.run(line(['clean'])),
    ask: (...args) => ns.run(mounted(Netns.snet(args))),
    async change(change) {
      mac.change(change);
      await actuate();
    },
  };
}

/** What `route -n monitor` prints when DHCP has brought another default route (macOS 14 and 15, by their users). */
export const OTHER_DEFAULT_ROUTE = `\

got message of size 140 on Mon Nov 23 12:00:00 2026
RTM_ADD: Add Route: len 140, pid: 86, seq 2, errno 0, flags:<UP,GATEWAY,DONE,STATIC,PRCLONING,GLOBAL>
locks:  inits: 
sockaddrs: <DST,GATEWAY,NETMASK,IFP,IFA>
 default ${GATEWAY.v4} default index: 14 en0 ${CLIENT.v4}
`;

/** Another Mac for each test, in the same namespace. */
export interface MacForEach extends MacNamespace {
  readonly folder: Folder;
  /** Puts a Mac that is not as on its first day in the place of this one, before anything is run on it. */
  remake(change: (state: MacState) => void): Promise<void>;
  /** Who an origin sees. */
  seenAs(address: string): Promise<string>;
  /** Nothing of ours is left: not on the Mac, not in the rules of the namespace, and connections go straight out. */
  restored(): Promise<void>;
  /** Ends it in order, after which all is as before. */
  stopped(snet: Program): Promise<void>;
  /** The configuration: `keys`, and by default without DNS. @returns its path */
  configure(upstream: string, keys?: object): Promise<string>;
}

export function macForEach(internet: Pick<Internet, 'client'>): MacForEach {
  const folder = folderForEach();
  let made: MacNamespace;
  let rules: string;
  const remake = async (change?: (state: MacState) => void) => {
    made = await makeMac(internet.client, folder.path, change);
    rules = await firewalls(internet.client);
  };
  beforeEach(() => remake());
  const seenAs = async (address: string) =>
    (await internet.client.must(['curl', '-sS', '--max-time', '5', url(address)])).trim();
  const restored = async () => {
    expect(made.mac.held()).toEqual(made.before);
    expect(await firewalls(internet.client)).toBe(rules);
    expect([await seenAs(ABROAD.v4), await seenAs(ABROAD.v6)]).toEqual([CLIENT.v4, CLIENT.v6]);
  };
  return {
    folder,
    remake,
    seenAs,
    restored,
    get mac() {
      return made.mac;
    },
    get before() {
      return made.before;
    },
    run: (...args) => made.run(...args),
    begin: (...args) => made.begin(...args),
    clean: () => made.clean(),
    ask: (...args) => made.ask(...args),
    change: (change) => made.change(change),
    async stopped(snet) {
      snet.signal('SIGTERM');
      expect(await snet.ended()).toBe(0);
      await restored();
    },
    async configure(upstream, keys = {}) {
      const file = folder.file('snet.json');
      await writeFile(file, JSON.stringify({ upstream, dns: false, ...keys }), { mode: 0o600 });
      return file;
    },
  };
}
