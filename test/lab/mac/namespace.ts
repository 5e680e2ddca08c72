/** A namespace that believes to be a Mac. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'bun:test';
import { GATEWAY } from '../internet.ts';
import type { Finished, Netns } from '../netns.ts';
import { start, type Program } from '../program.ts';
import { FakeMac } from './fake_mac.ts';
import { writeMac } from './mac_file.ts';
import { stockMac, type MacState } from './mac_state.ts';
import { nftablesOf } from './pf_nftables.ts';

/** Where the programs inside find the state of the Mac. */
export const MAC_INSIDE = '/run/snet/mac.json';
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
  const line = (args: readonly string[]) => [
    'sh',
    '-c',
    'mkdir -p -m 700 /run/snet && mount --bind "$0" /run/snet && exec "$@"',
    folder,
    process.execPath,
    SNET,
    ...args,
  ];
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
    async change(change) {
      mac.change(change);
      await actuate();
    },
  };
}

/** Ends it in order, and the Mac is as before. */
export async function stopped(snet: Program, { mac, before }: MacNamespace): Promise<void> {
  snet.signal('SIGTERM');
  expect(await snet.ended()).toBe(0);
  expect(mac.held()).toEqual(before);
}

/** A configuration without DNS, through a server. @returns its path */
export async function configureUpstream(
  folder: string,
  upstream: string,
  keys: object = {},
): Promise<string> {
  const file = join(folder, 'snet.json');
  await writeFile(file, JSON.stringify({ upstream, dns: false, ...keys }), { mode: 0o600 });
  return file;
}
