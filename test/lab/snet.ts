/** The program under test, running in a namespace. */
import { expect } from 'bun:test';
import { eventually } from './eventually.ts';
import { firewalls } from './firewalls.ts';
import { Netns, type SpawnOptions } from './netns.ts';
import { childrenOf, openDescriptors } from './proc.ts';
import { start, type Program } from './program.ts';

export interface SnetOptions extends SpawnOptions {
  /** A command line to run it under, such as `prlimit …`. */
  readonly under?: readonly string[];
  /** With the resolver; its configuration should say where it may keep what it keeps. */
  readonly dns?: boolean;
  /** How many connections to resolvers it may keep open, in case that more is asked. */
  readonly kept?: number;
}

/** Starts `snet run ARGS`; resolves once it redirects. */
export async function startSnet(
  ns: Netns,
  args: readonly string[],
  { under = [], dns = false, ...options }: SnetOptions = {},
): Promise<Program> {
  const snet = start(ns, [...under, ...Netns.snet(['run', ...args, ...(dns ? [] : ['--no-dns'])])], options);
  await snet.says(/ ready /);
  return snet;
}

/** Starts `snet server ARGS`; resolves once it listens. */
export async function startSnetServer(
  ns: Netns,
  args: readonly string[],
  { under = [], ...options }: Pick<SnetOptions, 'under' | 'env'> = {},
): Promise<Program> {
  const server = start(ns, [...under, ...Netns.snet(['server', ...args])], options);
  await server.says(/ ready /);
  return server;
}

/**
 * Runs `body` beside `snet run ARGS`. Afterwards nothing must be left of what it did: as many descriptors are open as
 * before, SIGTERM ends it with exit code 0, and the firewalls hold what they held.
 */
export async function beside(
  ns: Netns,
  args: readonly string[],
  body: (snet: Program) => Promise<void>,
  options: SnetOptions = {},
): Promise<void> {
  const before = await firewalls(ns);
  await using snet = await startSnet(ns, args, options);
  const base = openDescriptors(snet.pid) + (options.kept ?? 0);
  try {
    await body(snet);
    await eventually(`no more than ${base} open descriptors`, () => openDescriptors(snet.pid) <= base);
  } catch (error) {
    throw new Error(`snet said:\n${snet.said()}`, { cause: error });
  }
  await stop(snet);
  expect(await firewalls(ns)).toBe(before);
}

/** The pid of its one child, which undoes the iptables rules when its parent has gone. */
export function guardianOf({ pid }: { readonly pid: number }): number {
  const [guardian, ...others] = childrenOf(pid);
  expect(others).toEqual([]);
  return guardian!;
}

/** Ends it in order. */
export async function stop(snet: Program): Promise<void> {
  snet.signal('SIGTERM');
  expect(await snet.ended()).toBe(0);
}
