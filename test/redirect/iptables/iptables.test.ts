/** The rules on the real kernel, in namespaces; the programs' own listings and curl are the witnesses. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parseCidr } from '../../../src/net/cidr.ts';
import { rangesOf, type DualRanges } from '../../../src/net/ranges.ts';
import { chainName, setName } from '../../../src/redirect/iptables/names.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { eventually } from '../../lab/eventually.ts';
import { ABROAD, CHINA, CLIENT, createInternet, url, type Internet } from '../../lab/internet.ts';
import { Netns } from '../../lab/netns.ts';
import { firewalls } from '../../lab/firewalls.ts';
import { describeNeeding } from '../../needs.ts';
import { Held } from '../nftables/held.ts';
import { planText } from '../nftables/scripts/plan.ts';

const HOLD = '../../iptables/scripts/hold.ts';
const ONCE = new URL('scripts/once.ts', import.meta.url).pathname;
const GID = 7777;
const PORT = 1111;

const ranges = (...cidrs: string[]): DualRanges => rangesOf(cidrs.map((text) => parseCidr(text)!));
const plan = (bypass: DualRanges, more: Partial<RedirectPlan> = {}): RedirectPlan => ({
  port: PORT,
  gid: GID,
  ipv6: true,
  bypass,
  ...more,
});
const CHINESE = plan(ranges('223.0.0.0/8', '2400::/16'));

/** Starts a script that has put a plan in. */
async function hold(ns: Netns, wanted: RedirectPlan = CHINESE, ...args: string[]): Promise<Held> {
  const [held] = await Held.start(ns, HOLD, ...args);
  expect(await held.say(`apply ${planText(wanted)}`)).toBe('done');
  return held;
}

const once = async (ns: Netns, verb: 'clean' | 'probe'): Promise<unknown> =>
  JSON.parse((await ns.script(ONCE, [verb])).stdout);

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

function guardianOf(held: Held): number {
  const [guardian, ...others] = childrenOf(held.pid);
  expect(others).toEqual([]);
  return guardian!;
}

/** Kills both at once: the guardian is stopped first, so it can't notice. */
async function killBoth(held: Held): Promise<void> {
  const guardian = guardianOf(held);
  process.kill(guardian, 'SIGSTOP');
  await held.kill();
  process.kill(guardian, 'SIGKILL');
}

/** What others may have: names like ours, comments that speak of us, rules before and after. */
const OTHERS = `*nat
:SNET - [0:0]
:DOCKER - [0:0]
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -p tcp -m comment --comment "snet -j SNET-1 \\"quoted\\"" -m tcp --dport 9999 -j SNET
-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE
-A SNET -m comment --comment snet -j RETURN
COMMIT
`;
const OTHERS_6 = OTHERS.replace('127.0.0.0/8', '::1/128').replace('172.17.0.0/16', 'fd17::/64');
const OTHERS_SETS = `create snet hash:ip
create snet4-other hash:net
add snet4-other 192.0.2.0/24
`;

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ip6tables', 'ipset', 'curl', 'setpriv'],
  'rules of iptables',
  () => {
    let internet: Internet;
    let client: Netns;
    let listener: Held;
    let before: string;

    beforeAll(async () => {
      internet = await createInternet();
      ({ client } = internet);
      [listener] = await Held.start(client, 'answer.ts', String(PORT), 'snet');
      await client.must(['iptables-restore', '--noflush'], { stdin: OTHERS });
      await client.must(['ip6tables-restore', '--noflush'], { stdin: OTHERS_6 });
      await client.must(['ipset', 'restore'], { stdin: OTHERS_SETS });
      before = await kernelHolds();
      expect(before).toContain('DOCKER');
    });
    afterAll(async () => {
      await listener[Symbol.asyncDispose]();
      await internet[Symbol.asyncDispose]();
    });

    /** All rules and sets; how often others' rules have been met says nothing of us. */
    const kernelHolds = async () =>
      (await firewalls(client)).replaceAll(/ counter packets \d+ bytes \d+/g, '');
    // What a test leaves to a guardian may take a moment.
    afterEach(() => eventually('the rules of others alone', async () => (await kernelHolds()) === before));

    /** Who answers: `snet`, or an origin, which says whom it sees. */
    const answers = async (...as: string[]): Promise<string[]> => {
      const hosts = [CHINA.v4, CHINA.v6, ABROAD.v4, ABROAD.v6];
      const all = hosts.map((host) => client.must([...as, 'curl', '-sS', '--max-time', '5', url(host)]));
      return (await Promise.all(all)).map((text) => text.trim());
    };
    const DIRECT = [CLIENT.v4, CLIENT.v6, CLIENT.v4, CLIENT.v6];
    const ABROAD_REDIRECTED = [CLIENT.v4, CLIENT.v6, 'snet', 'snet'];

    test('are listed as they are documented, in front of those of others', async () => {
      await using held = await hold(client, plan(ranges('10.0.0.0/8', '192.0.2.0/24', 'fc00::/7')));
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
        const listed = (await client.must([program])).split('\n').filter((line) => line.startsWith('-A'));
        const [jump = '', ...chain] = ours(family);
        const theirs = others.split('\n').filter((line) => line.startsWith('-A'));
        expect(listed.toSorted()).toEqual([jump, ...chain, ...theirs].toSorted());
        expect(listed.find((line) => line.startsWith('-A OUTPUT'))).toBe(jump);
        expect(listed.filter((line) => line.includes(`-A ${chainName(held.pid)}`))).toEqual(chain);
      }
      const sets = await client.must(['ipset', 'save']);
      for (const entry of ['10.0.0.0/8', '192.0.2.0/24'])
        expect(sets).toContain(`add ${setName(4, held.pid)} ${entry}\n`);
      expect(sets).toContain(`add ${setName(6, held.pid)} fc00::/7\n`);
    });

    test('send connections to the listener, but for bypassed ranges', async () => {
      expect(await answers()).toEqual(DIRECT);
      await using _ = await hold(client);
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('let our own group out', async () => {
      await using _ = await hold(client, plan(ranges()));
      const as = (gid: number) => ['setpriv', '--regid', String(gid), '--clear-groups'];
      expect(await answers(...as(GID))).toEqual(DIRECT);
      expect(await answers(...as(GID + 1))).toEqual(['snet', 'snet', 'snet', 'snet']);
    });

    test('leave connections to this machine alone', async () => {
      await using _client = (await Held.start(client, 'answer.ts', '80', 'here'))[0];
      await using _ = await hold(client, plan(ranges()));
      for (const host of ['127.0.0.1', '127.3.2.1', CLIENT.v4, '::1', CLIENT.v6])
        expect(await client.must(['curl', '-sS', '--max-time', '5', url(host)])).toBe('here');
    });

    test('say nothing of IPv6 where the plan has none', async () => {
      await using held = await hold(client, { ...CHINESE, ipv6: false });
      expect(await answers()).toEqual([CLIENT.v4, CLIENT.v6, 'snet', CLIENT.v6]);
      expect(await client.must(['ip6tables-save'])).not.toContain(chainName(held.pid));
      expect(await held.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
    });

    test('bypass everything where the range is everything', async () => {
      await using _ = await hold(client, plan(ranges('0.0.0.0/0', '::/0')));
      expect(await answers()).toEqual(DIRECT);
    });

    test('follow an update, which leaves no second set', async () => {
      await using held = await hold(client);
      const reversed = plan(ranges(`${ABROAD.v4}/32`, '2001:67c::/32'));
      expect(await held.say(`update ${planText(reversed)}`)).toBe('done');
      expect(await answers()).toEqual(['snet', 'snet', CLIENT.v4, CLIENT.v6]);
      expect((await client.must(['ipset', 'list', '-name'])).trim().split('\n').toSorted()).toEqual(
        [setName(4, held.pid), setName(6, held.pid), 'snet', 'snet4-other'].toSorted(),
      );
      expect(JSON.parse(await held.say(`update ${planText({ ...reversed, port: 2 })}`))).toEqual({
        message: 'update changes ranges only, not port',
      });
    });

    test('never show a moment without ranges during updates', async () => {
      await using held = await hold(client);
      const seen = new Set<string>();
      const updates = new AbortController();
      const connecting = (async () => {
        while (!updates.signal.aborted)
          seen.add((await client.must(['curl', '-sS', '--max-time', '5', url(CHINA.v4)])).trim());
      })();
      const many = Array.from({ length: 2000 }, (_, i) => `10.${i >> 8}.${i & 255}.${i % 200}/32`);
      const wanted = plan(ranges('223.0.0.0/8', ...many));
      for (let i = 0; i < 10; i++) expect(await held.say(`update ${planText(wanted)}`)).toBe('done');
      updates.abort();
      await connecting;
      expect([...seen]).toEqual([CLIENT.v4]);
    });

    test('leave exactly what was there before', async () => {
      await using held = await hold(client);
      const guardian = guardianOf(held);
      expect(await kernelHolds()).not.toBe(before);
      expect(await held.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
      // It was told that there is nothing to do, and its exit waited for.
      expect(childrenOf(held.pid)).not.toContain(guardian);
      expect(await held.say('remove')).toBe('done');
      expect(await held.say(`apply ${planText(CHINESE)}`)).toBe('done');
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('are replaced by a second apply()', async () => {
      await using held = await hold(client);
      const guardian = guardianOf(held);
      expect(await held.say(`apply ${planText({ ...CHINESE, port: 2222 })}`)).toBe('done');
      expect(await client.must(['iptables-save'])).toContain('--to-ports 2222');
      expect(await client.must(['iptables-save'])).not.toContain(`--to-ports ${PORT}`);
      expect(guardianOf(held)).toBe(guardian);
    });

    test('are taken out with jumps that others have added', async () => {
      await using held = await hold(client);
      const chain = chainName(held.pid);
      await client.must(['iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', chain]);
      await client.must(['iptables', '-t', 'nat', '-A', 'OUTPUT', '-p', 'tcp', '-j', chain]);
      await client.must(['iptables', '-t', 'nat', '-A', 'DOCKER', '-g', chain]);
      expect(await held.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
    });

    test('are gone soon after the process is killed, though it has other children', async () => {
      const held = await hold(client);
      const sibling = Number(await held.say('sibling'));
      try {
        const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
        const guardian = childrenOf(held.pid).find((pid) => pid !== sibling)!;
        // As Ctrl-C, a closed terminal or `systemctl kill` would: it must not care.
        for (const signal of signals) process.kill(guardian, signal);
        await held.kill();
        const killed = performance.now();
        await eventually('no rules', async () => (await kernelHolds()) === before);
        process.stderr.write(`undone ${Math.round(performance.now() - killed)} ms after SIGKILL\n`);
        expect(await answers()).toEqual(DIRECT);
        // Still there, so it wasn't the end of all children that was noticed.
        process.kill(sibling, 0);
        await eventually('the end of the guardian', () => !isAlive(guardian));
      } finally {
        process.kill(sibling, 'SIGKILL');
      }
    });

    test('are those of a session of their own', async () => {
      await using held = await hold(client);
      const guardian = guardianOf(held);
      const session = (pid: number) =>
        // proc(5), stat: after the name in parentheses come state, ppid, pgrp, session.
        Number(/.*\) \S \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]);
      expect(session(guardian)).toBe(guardian);
      expect(session(held.pid)).not.toBe(guardian);
    });

    test('have another guardian when theirs is killed', async () => {
      await using held = await hold(client);
      const first = guardianOf(held);
      process.kill(first, 'SIGKILL');
      const second = await eventually('another guardian', () =>
        childrenOf(held.pid).find((pid) => pid !== first),
      );
      const logs = await eventually('word of it', async () => {
        const lines: unknown[] = JSON.parse(await held.say('logs'));
        return lines.length === 2 && lines;
      });
      expect(logs).toEqual([
        {
          message: 'the guardian of the iptables rules died; starting another',
          pid: first,
          code: 128 + 9,
        },
        { message: 'another guardian is at its post', pid: second },
      ]);
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
      await held.kill();
      await eventually('no rules', async () => (await kernelHolds()) === before);
      await eventually('its end', () => !isAlive(second));
    });

    test('come out although their guardian has just been killed', async () => {
      await using held = await hold(client);
      process.kill(guardianOf(held), 'SIGKILL');
      expect(await held.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
      expect(childrenOf(held.pid)).toEqual([]);
    });

    test('of the next start are nothing to a guardian that comes late', async () => {
      const first = await hold(client);
      const guardian = guardianOf(first);
      process.kill(guardian, 'SIGSTOP');
      await first.kill();
      await using _ = await hold(client);
      const rules = await kernelHolds();
      process.kill(guardian, 'SIGCONT');
      await eventually('its end', () => !isAlive(guardian));
      expect(await kernelHolds()).toBe(rules);
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('that a dead process has left, when its guardian died too, are cleaned', async () => {
      const held = await hold(client);
      await killBoth(held);
      expect(await kernelHolds()).not.toBe(before);
      const [chain, v4, v6] = [chainName(held.pid), setName(4, held.pid), setName(6, held.pid)];
      const removed = (await once(client, 'clean')) as string[];
      expect(removed.toSorted()).toEqual(
        [
          `the ip6tables chain ${chain} and the rules that lead there`,
          `the iptables chain ${chain} and the rules that lead there`,
          `the ipset ${v4}`,
          `the ipset ${v6}`,
        ].toSorted(),
      );
      expect(await kernelHolds()).toBe(before);
      expect(await once(client, 'clean')).toEqual([]);
    });

    test('that dead processes have left are replaced by the next start', async () => {
      const first = await hold(client);
      await killBoth(first);
      // Another one had got no further than its sets. No process has a pid that large: PID_MAX_LIMIT.
      await client.must(['ipset', 'create', setName(4, 4_194_304), 'hash:net']);
      await using third = await hold(client);
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
      const [{ message, removed }] = JSON.parse(await third.say('logs'));
      expect(message).toBe('removed what an earlier run had left');
      expect(removed).toContain(chainName(first.pid));
      expect(removed).toContain(setName(4, 4_194_304));
      expect(await third.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
    });

    test('that a running process holds are left alone', async () => {
      await using held = await hold(client);
      const taken = {
        status: 'ERR_REDIRECT_HELD',
        message: `the iptables rules are those of process ${held.pid}, which runs`,
        hint: `end that process first: kill ${held.pid}`,
      };
      expect(await once(client, 'clean')).toEqual(taken);
      const [second] = await Held.start(client, HOLD);
      await using _ = second;
      expect(JSON.parse(await second.say(`apply ${planText(CHINESE)}`))).toEqual(taken);
      expect(childrenOf(second.pid)).toEqual([]);
      expect(await answers()).toEqual(ABROAD_REDIRECTED);
      expect(await held.say('remove')).toBe('done');
      expect(await kernelHolds()).toBe(before);
    });

    test('are only rehearsed by the probe', async () => {
      expect(await once(client, 'probe')).toBe('usable');
      expect(await kernelHolds()).toBe(before);
    });

    test('need a capability, and say so', async () => {
      const unprivileged = ['setpriv', '--bounding-set=-net_admin', process.execPath, ONCE];
      const hint = 'run it as root (sudo), or with the capability CAP_NET_ADMIN';
      const probed = JSON.parse(await client.must([...unprivileged, 'probe']));
      expect(probed).toContain('ipset failed: ');
      expect(probed).toEndWith(`(${hint})`);
      expect(JSON.parse(await client.must([...unprivileged, 'clean']))).toMatchObject({
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
      expect(await held.say(`update ${planText(plan(ranges('192.0.2.0/24')))}`)).toBe('done');
      expect(await ns.must(['ipset', 'save'])).toContain('192.0.2.0/24');
      expect(await held.say('remove')).toBe('done');
      expect(await listed()).not.toContain('SNET');
      expect(await ns.must(['ipset', 'save'])).toBe('');
    });
  },
);

/** A zombie is dead: nobody may have asked for its exit code yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
