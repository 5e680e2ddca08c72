/** The rules of a namespace, as the firewalls' own programs see and make them. */
import type { Netns } from './netns.ts';

/** All rules and sets, in each program's words. */
export async function firewalls(ns: Netns): Promise<string> {
  const listings = [['nft', 'list', 'ruleset'], ['iptables-save'], ['ip6tables-save'], ['ipset', 'save']];
  const texts = await Promise.all(listings.map((argv) => ns.must(argv)));
  return texts.join('').replaceAll(/^#.*\n/gm, '');
}

const FOREIGN = `*nat
-A OUTPUT -p tcp --dport 9999 -m comment --comment foreign -j REDIRECT --to-ports 9998
COMMIT
`;

/**
 * Adds somebody else's rules to iptables, which concern no connection of the tests and must outlive all of them. They
 * also bring about the tables that iptables makes with its first rule and never takes away.
 */
export async function addForeignRules(ns: Netns): Promise<void> {
  for (const restore of ['iptables-restore', 'ip6tables-restore'])
    await ns.must([restore], { stdin: FOREIGN });
}
