/** What the rules do, on the real kernel, in namespaces; the programs' own listings and curl are the witnesses. */
import { expect, test } from 'bun:test';
import { chainName, setName } from '../../../src/redirect/iptables/names.ts';
import { ABROAD, CHINA, CLIENT, url } from '../../lab/internet.ts';
import { Netns } from '../../lab/netns.ts';
import { childrenOf } from '../../lab/proc.ts';
import { guardianOf } from '../../lab/snet.ts';
import { describeNeeding } from '../../needs.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { Held } from '../nftables/held.ts';
import { planText } from '../nftables/scripts/plan.ts';
import { GID, plan, PORT } from '../plan.ts';
import { ABROAD_REDIRECTED, CHINESE, clientForAll, DIRECT, hold, once, OTHERS, OTHERS_6 } from './client.ts';

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ip6tables', 'ipset', 'curl', 'setpriv'],
  'rules of iptables',
  () => {
    const client = clientForAll();

    test('are listed as they are documented, in front of those of others', async () => {
      await using held = await hold(client.ns, plan(rangesFrom('10.0.0.0/8', '192.0.2.0/24', 'fc00::/7')));
      const comment = '-m comment --comment snet';
      const ours = (family: 4 | 6) => {
        const chain = chainName(held.pid);
        return [
          `-A OUTPUT -p tcp ${comment} -j ${chain}`,
          `-A ${chain} -m owner --gid-owner ${GID} ${comment} -j RETURN`,
          `-A ${chain} -m addrtype --dst-type LOCAL ${comment} -j RETURN`,
          `-A ${chain} -m set --match-set ${setName(family, held.pid)} dst ${comment} -j RETURN`,
          `-A ${chain} -p tcp ${comment} -j REDIRECT --to-ports ${PORT}`,
        ];
      };
      for (const [family, program, others] of [
        [4, 'iptables-save', OTHERS],
        [6, 'ip6tables-save', OTHERS_6],
      ] as const) {
        const listed = (await client.ns.must([program])).split('\n').filter((line) => line.startsWith('-A'));
        const [jump = '', ...chain] = ours(family);
        const theirs = others.split('\n').filter((line) => line.startsWith('-A'));
        expect(listed.toSorted()).toEqual([jump, ...chain, ...theirs].toSorted());
        expect(listed.find((line) => line.startsWith('-A OUTPUT'))).toBe(jump);
        expect(listed.filter((line) => line.includes(`-A ${chainName(held.pid)}`))).toEqual(chain);
      }
      const sets = await client.ns.must(['ipset', 'save']);
      for (const entry of ['10.0.0.0/8', '192.0.2.0/24'])
        expect(sets).toContain(`add ${setName(4, held.pid)} ${entry}\n`);
      expect(sets).toContain(`add ${setName(6, held.pid)} fc00::/7\n`);
    });

    test('send connections to the listener, but for bypassed ranges', async () => {
      expect(await client.answers()).toEqual(DIRECT);
      await using _ = await hold(client.ns);
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('let our own group out', async () => {
      await using _ = await hold(client.ns, plan(rangesFrom()));
      const as = (gid: number) => ['setpriv', '--regid', String(gid), '--clear-groups'];
      expect(await client.answers(...as(GID))).toEqual(DIRECT);
      expect(await client.answers(...as(GID + 1))).toEqual(['snet', 'snet', 'snet', 'snet']);
    });

    test('leave connections to this machine alone', async () => {
      await using _here = (await Held.start(client.ns, 'answer.ts', '80', 'here'))[0];
      await using _ = await hold(client.ns, plan(rangesFrom()));
      for (const host of ['127.0.0.1', '127.3.2.1', CLIENT.v4, '::1', CLIENT.v6])
        expect(await client.ns.must(['curl', '-sS', '--max-time', '5', url(host)])).toBe('here');
    });

    test('say nothing of IPv6 where the plan has none', async () => {
      await using held = await hold(client.ns, { ...CHINESE, ipv6: false });
      expect(await client.answers()).toEqual([CLIENT.v4, CLIENT.v6, 'snet', CLIENT.v6]);
      expect(await client.ns.must(['ip6tables-save'])).not.toContain(chainName(held.pid));
      expect(await held.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
    });

    test('bypass everything where the range is everything', async () => {
      await using _ = await hold(client.ns, plan(rangesFrom('0.0.0.0/0', '::/0')));
      expect(await client.answers()).toEqual(DIRECT);
    });

    test('follow an update, which leaves no second set', async () => {
      await using held = await hold(client.ns);
      const reversed = plan(rangesFrom(`${ABROAD.v4}/32`, '2001:67c::/32'));
      expect(await held.say(`update ${planText(reversed)}`)).toBe('done');
      expect(await client.answers()).toEqual(['snet', 'snet', CLIENT.v4, CLIENT.v6]);
      expect((await client.ns.must(['ipset', 'list', '-name'])).trim().split('\n').toSorted()).toEqual(
        [setName(4, held.pid), setName(6, held.pid), 'snet', 'snet4-other'].toSorted(),
      );
      expect(JSON.parse(await held.say(`update ${planText({ ...reversed, port: 2 })}`))).toEqual({
        message: 'update changes ranges only, not port',
      });
    });

    test('never show a moment without ranges during updates', async () => {
      await using held = await hold(client.ns);
      const seen = new Set<string>();
      const updates = new AbortController();
      const connecting = (async () => {
        while (!updates.signal.aborted)
          seen.add((await client.ns.must(['curl', '-sS', '--max-time', '5', url(CHINA.v4)])).trim());
      })();
      const many = Array.from({ length: 2000 }, (_, i) => `10.${i >> 8}.${i & 255}.${i % 200}/32`);
      const wanted = plan(rangesFrom('223.0.0.0/8', ...many));
      for (let i = 0; i < 10; i++) expect(await held.say(`update ${planText(wanted)}`)).toBe('done');
      updates.abort();
      await connecting;
      expect([...seen]).toEqual([CLIENT.v4]);
    });

    test('leave exactly what was there before', async () => {
      await using held = await hold(client.ns);
      const guardian = guardianOf(held);
      expect(await client.holds()).not.toBe(client.before);
      expect(await held.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
      // It was told that there is nothing to do, and its exit waited for.
      expect(childrenOf(held.pid)).not.toContain(guardian);
      expect(await held.say('remove')).toBe('done');
      expect(await held.say(`apply ${planText(CHINESE)}`)).toBe('done');
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('are replaced by a second apply()', async () => {
      await using held = await hold(client.ns);
      const guardian = guardianOf(held);
      expect(await held.say(`apply ${planText({ ...CHINESE, port: 2222 })}`)).toBe('done');
      expect(await client.ns.must(['iptables-save'])).toContain('--to-ports 2222');
      expect(await client.ns.must(['iptables-save'])).not.toContain(`--to-ports ${PORT}`);
      expect(guardianOf(held)).toBe(guardian);
    });

    test('are taken out with jumps that others have added', async () => {
      await using held = await hold(client.ns);
      const chain = chainName(held.pid);
      await client.ns.must(['iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', chain]);
      await client.ns.must(['iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', chain]);
      await client.ns.must(['iptables', '-t', 'nat', '-A', 'DOCKER', '-g', chain]);
      expect(await held.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
    });

    test('are only rehearsed by the probe', async () => {
      expect(await once(client.ns, 'probe')).toBe('usable');
      expect(await client.holds()).toBe(client.before);
    });

    test('need a capability, and say so', async () => {
      const unprivileged = ['setpriv', '--bounding-set=-net_admin'];
      const hint = 'run it as root (sudo), or with the capability CAP_NET_ADMIN';
      const probed = await once(client.ns, 'probe', unprivileged);
      expect(probed).toContain('ipset failed: ');
      expect(probed).toEndWith(`(${hint})`);
      expect(await once(client.ns, 'clean', unprivileged)).toMatchObject({
        status: 'ERR_REDIRECT_PERMISSION',
        hint,
      });
    });
  },
);

describeNeeding(
  ['root', 'ip', 'iptables-legacy', 'ip6tables-legacy', 'ipset'],
  'rules of the older iptables',
  () => {
    test('go in, are updated, and come out', async () => {
      await using ns = await Netns.create('legacy');
      const listed = async () =>
        (await ns.must(['iptables-legacy-save'])) + (await ns.must(['ip6tables-legacy-save']));
      await using held = await hold(ns, CHINESE, '--legacy');
      expect((await listed()).match(/-j REDIRECT --to-ports 1111/g)).toHaveLength(2);
      expect(await held.say(`update ${planText(plan(rangesFrom('192.0.2.0/24')))}`)).toBe('done');
      expect(await ns.must(['ipset', 'save'])).toContain('192.0.2.0/24');
      expect(await held.say('remove')).toBe('done');
      expect(await listed()).not.toContain('SNET');
      expect(await ns.must(['ipset', 'save'])).toBe('');
    });
  },
);
