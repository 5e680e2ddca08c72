/** The program under test, running in a namespace. */
import { Netns, type SpawnOptions } from './netns.ts';
import { start, type Program } from './program.ts';

/** Starts `snet run ARGS`; resolves once it redirects. */
export async function startSnet(
  ns: Netns,
  args: readonly string[],
  { under = [], ...options }: SpawnOptions & { readonly under?: readonly string[] } = {},
): Promise<Program> {
  const snet = start(ns, [...under, ...Netns.snet(['run', ...args])], options);
  await snet.says(/ ready /);
  return snet;
}

/** What the firewalls of a namespace hold, each in its own program's words. */
export async function firewalls(ns: Netns): Promise<string> {
  const listings = [['nft', 'list', 'ruleset'], ['iptables-save'], ['ip6tables-save'], ['ipset', 'save']];
  const texts = await Promise.all(listings.map((argv) => ns.must(argv)));
  return texts.join('').replaceAll(/^#.*\n/gm, '');
}
