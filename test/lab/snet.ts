/** The program under test, running in a namespace. */
import { expect } from 'bun:test';
import { eventually } from './eventually.ts';
import { Netns, type SpawnOptions } from './netns.ts';
import { openDescriptors } from './proc.ts';
import { start, type Program } from './program.ts';

export interface SnetOptions extends SpawnOptions {
  /** A command line to run it under, such as `prlimit …`. */
  readonly under?: readonly string[];
}

/** Starts `snet run ARGS`; resolves once it redirects. */
export async function startSnet(
  ns: Netns,
  args: readonly string[],
  { under = [], ...options }: SnetOptions = {},
): Promise<Program> {
  const snet = start(ns, [...under, ...Netns.snet(['run', ...args])], options);
  await snet.says(/ ready /);
  return snet;
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
  const base = openDescriptors(snet.pid);
  try {
    await body(snet);
    await eventually(`${base} open descriptors again`, () => openDescriptors(snet.pid) <= base);
  } catch (error) {
    throw new Error(`snet said:\n${snet.said()}`, { cause: error });
  }
  snet.signal('SIGTERM');
  expect(await snet.ended()).toBe(0);
  expect(await firewalls(ns)).toBe(before);
}

/**
 * What the firewalls of a namespace hold, each in its own program's words. A table nat without a rule counts as none:
 * the first use of iptables makes it, and iptables has no way to take it out.
 */
export async function firewalls(ns: Netns): Promise<string> {
  const listings = [['nft', 'list', 'ruleset'], ['iptables-save'], ['ip6tables-save'], ['ipset', 'save']];
  const texts = await Promise.all(listings.map((argv) => ns.must(argv)));
  return texts
    .join('')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/^table ip6? nat \{\n(?:\tchain \w+ \{\n\t\ttype nat .*\n\t\}\n\n?)*\}\n/gm, '')
    .replaceAll(/^\*nat\n(?::\w+ ACCEPT .*\n)*COMMIT\n/gm, '');
}
