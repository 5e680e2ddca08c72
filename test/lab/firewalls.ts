/** The rules of a namespace, as the firewalls' own programs see and make them. */
import { eventually } from './eventually.ts';
import type { Netns } from './netns.ts';

/** All rules and sets, in each program's words. */
export async function firewalls(ns: Netns): Promise<string> {
  const listings = [['nft', 'list', 'ruleset'], ['iptables-save'], ['ip6tables-save'], ['ipset', 'save']];
  const texts = await Promise.all(listings.map((argv) => listed(ns, argv)));
  return texts.join('').replaceAll(/^#.*\n/gm, '');
}

/** While rules are being taken out, iptables-save may meet one whose set has just gone, and gives up: it is asked again. */
function listed(ns: Netns, argv: readonly string[]): Promise<string> {
  return eventually(`an answer of ${argv[0]}`, async () => {
    const { code, stdout, stderr } = await ns.run(argv);
    if (code === 0) return stdout;
    if (/Set with index \d+ in kernel doesn't exist/.test(stderr)) return undefined;
    throw new Error(`${argv.join(' ')}: exit ${code}: ${stderr}`);
  });
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
