/** Choosing on a real kernel, over what runs with either mechanism have left there. */
import { expect, test } from 'bun:test';
import { firewalls } from '../lab/firewalls.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';
import { Held } from './nftables/held.ts';

const SELECT = new URL('scripts/select.ts', import.meta.url).pathname;
const IPTABLES_HOLD = '../../iptables/scripts/hold.ts';
const PLAN = JSON.stringify({ port: 1, gid: 1, ipv6: true, v4: [], v6: [] });

const select = async (ns: Netns, ...args: string[]): Promise<unknown> =>
  JSON.parse((await ns.script(SELECT, args)).stdout);

/** What a run of this pid may have left; no process has one that large (PID_MAX_LIMIT). */
const LEFT_SETS = 'create snet4-4194304 hash:net\n';
const LEFT_RULES = `*nat
:SNET-4194304 - [0:0]
-A SNET-4194304 -m set --match-set snet4-4194304 dst -j RETURN
-A SNET-4194304 -p tcp -j REDIRECT --to-ports 1
-A OUTPUT -p tcp -j SNET-4194304
COMMIT
`;

describeNeeding(['root', 'ip', 'nft', 'iptables', 'ip6tables', 'ipset'], 'selectRedirect()', () => {
  test('chooses by what the kernel can do, and puts nothing into it', async () => {
    await using ns = await Netns.create('select');
    for (const [preference, mechanism] of [
      ['auto', 'nftables'],
      ['nftables', 'nftables'],
      ['iptables', 'iptables'],
    ] as const)
      expect(await select(ns, preference)).toMatchObject({ mechanism, logged: [] });
    expect(await firewalls(ns)).toBe('');
  });

  test('takes out what a run with iptables left, before one with nftables', async () => {
    await using ns = await Netns.create('select');
    // Somebody else's; with it come the tables that iptables makes by its first rule and never takes away.
    await ns.must(['iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'udp', '-j', 'ACCEPT']);
    const before = await firewalls(ns);
    await ns.must(['ipset', 'restore'], { stdin: LEFT_SETS });
    await ns.must(['iptables-restore', '--noflush'], { stdin: LEFT_RULES });
    expect(await select(ns, 'nftables')).toMatchObject({
      mechanism: 'nftables',
      logged: [
        {
          message: 'removed what an earlier run had left',
          removed: 'the iptables chain SNET-4194304 and the rules that lead there, the ipset snet4-4194304',
        },
      ],
    });
    expect(await firewalls(ns)).toBe(before);
  });

  test('takes out a table that no process owns, before one with iptables', async () => {
    await using ns = await Netns.create('select');
    await ns.must(['nft', 'add table inet snet']);
    expect(await select(ns, 'iptables')).toMatchObject({
      mechanism: 'iptables',
      logged: [
        {
          message: 'removed what an earlier run had left',
          removed: 'the nftables table inet snet, which no process owned',
        },
      ],
    });
    expect(await firewalls(ns)).toBe('');
  });

  test('does not go beside a snet that runs with the other mechanism', async () => {
    await using first = await Netns.create('select');
    const [nftables] = await Held.start(first, 'hold.ts', PLAN);
    await using _ = nftables;
    expect(await select(first, 'iptables')).toMatchObject({ status: 'ERR_REDIRECT_HELD' });

    await using second = await Netns.create('select');
    const [iptables] = await Held.start(second, IPTABLES_HOLD);
    await using __ = iptables;
    expect(await iptables.say(`apply ${PLAN}`)).toBe('done');
    expect(await select(second, 'nftables')).toMatchObject({ status: 'ERR_REDIRECT_HELD' });
  });

  test('goes on with nftables where iptables is broken, and says so', async () => {
    await using ns = await Netns.create('select');
    expect(await select(ns, 'auto', '--broken')).toMatchObject({
      mechanism: 'nftables',
      logged: [
        {
          message: 'could not look for what an earlier run may have left',
          status: 'ERR_REDIRECT_COMMAND',
          reason: expect.stringMatching(/failed: no reason$/),
        },
      ],
    });
  });
});
