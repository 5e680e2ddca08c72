/** A client of the small Internet with other people's rules, for tests of ours. */
import { afterEach, expect } from 'bun:test';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { eventually } from '../../lab/eventually.ts';
import { firewalls } from '../../lab/firewalls.ts';
import { ABROAD, CHINA, CLIENT, url } from '../../lab/internet.ts';
import { internetForAll } from '../../lab/internet_for_all.ts';
import type { Netns } from '../../lab/netns.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { Held } from '../nftables/held.ts';
import { planText } from '../nftables/scripts/plan.ts';
import { plan, PORT } from '../plan.ts';

export const HOLD = '../../iptables/scripts/hold.ts';
const ONCE = new URL('scripts/once.ts', import.meta.url).pathname;

export const CHINESE = plan(rangesFrom('223.0.0.0/8', '2400::/16'));

/** Starts a script that has put a plan in. */
export async function hold(ns: Netns, wanted: RedirectPlan = CHINESE, ...args: string[]): Promise<Held> {
  const [held] = await Held.start(ns, HOLD, ...args);
  expect(await held.say(`apply ${planText(wanted)}`)).toBe('done');
  return held;
}

/** Cleans or probes; `under` is a command line to do it under. */
export async function once(
  ns: Netns,
  verb: 'clean' | 'probe',
  under: readonly string[] = [],
): Promise<unknown> {
  return JSON.parse(await ns.must([...under, process.execPath, ONCE, verb]));
}

/** What others may have: names like ours, comments that speak of us, rules before and after. */
export const OTHERS = `*nat
:SNET - [0:0]
:DOCKER - [0:0]
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -p tcp -m comment --comment "snet -j SNET-1 \\"quoted\\"" -m tcp --dport 9999 -j SNET
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A SNET -m comment --comment snet -j RETURN
COMMIT
`;
export const OTHERS_6 = OTHERS.replace('127.0.0.0/8', '::1/128').replace('172.17.0.0/16', 'fd17::/64');
const OTHERS_SETS = `create snet hash:ip
create snet4-other hash:net
add snet4-other 192.0.2.0/24
`;

/** Who answers at {@link CHINA} and {@link ABROAD}, v4 and v6 of each, where nothing redirects. */
export const DIRECT = [CLIENT.v4, CLIENT.v6, CLIENT.v4, CLIENT.v6];
/** With the rules of {@link CHINESE}. */
export const ABROAD_REDIRECTED = [CLIENT.v4, CLIENT.v6, 'snet', 'snet'];

export interface Client {
  readonly ns: Netns;
  /** What the kernel held at first: other people's rules and sets. */
  readonly before: string;
  /** All rules and sets; how often others' rules have been met says nothing of us. */
  holds(): Promise<string>;
  /** Who answers: `snet`, or an origin, which says whom it sees. */
  answers(...as: string[]): Promise<string[]>;
}

/**
 * For all tests of a `describe`, with a listener that says `snet` where snet would listen. After each of them the rules
 * of others must be there alone.
 */
export function clientForAll(): Client {
  let before: string;
  const internet = internetForAll(async ({ client: ns }, undo) => {
    undo.use((await Held.start(ns, 'answer.ts', String(PORT), 'snet'))[0]);
    await ns.must(['iptables-restore', '--noflush'], { stdin: OTHERS });
    await ns.must(['ip6tables-restore', '--noflush'], { stdin: OTHERS_6 });
    await ns.must(['ipset', 'restore'], { stdin: OTHERS_SETS });
    before = await holdsOf(ns);
  });
  const holds = () => holdsOf(internet.client);
  // What a test leaves to a guardian may take a moment.
  afterEach(() => eventually('the rules of others alone', async () => (await holds()) === before));
  return {
    get ns() {
      return internet.client;
    },
    get before() {
      return before;
    },
    holds,
    async answers(...as) {
      const hosts = [CHINA.v4, CHINA.v6, ABROAD.v4, ABROAD.v6];
      const all = hosts.map((host) =>
        internet.client.must([...as, 'curl', '-sS', '--max-time', '5', url(host)]),
      );
      return (await Promise.all(all)).map((text) => text.trim());
    },
  };
}

async function holdsOf(ns: Netns): Promise<string> {
  return (await firewalls(ns)).replaceAll(/ counter packets \d+ bytes \d+/g, '');
}
