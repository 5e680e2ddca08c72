/** How the rules end, whoever dies, on the real kernel, in namespaces. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { chainName, setName } from '../../../src/redirect/iptables/names.ts';
import { eventually } from '../../lab/eventually.ts';
import { childrenOf, hasEnded } from '../../lab/proc.ts';
import { guardianOf } from '../../lab/snet.ts';
import { describeNeeding } from '../../needs.ts';
import { Held } from '../nftables/held.ts';
import { planText } from '../nftables/scripts/plan.ts';
import { ABROAD_REDIRECTED, CHINESE, clientForAll, DIRECT, HOLD, hold, once } from './client.ts';

/** Kills both at once: the guardian is stopped first, so it can't notice. */
async function killBoth(held: Held): Promise<void> {
  const guardian = guardianOf(held);
  process.kill(guardian, 'SIGSTOP');
  await held.kill();
  process.kill(guardian, 'SIGKILL');
}

describeNeeding(
  ['root', 'ip', 'nft', 'iptables', 'ip6tables', 'ipset', 'curl', 'setpriv'],
  'rules of iptables',
  () => {
    const client = clientForAll();

    test('are gone soon after the process is killed, though it has other children', async () => {
      const held = await hold(client.ns);
      const sibling = Number(await held.say('sibling'));
      try {
        const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
        const guardian = childrenOf(held.pid).find((pid) => pid !== sibling)!;
        // As Ctrl-C, a closed terminal or `systemctl kill` would: it must not care.
        for (const signal of signals) process.kill(guardian, signal);
        await held.kill();
        const killed = performance.now();
        await eventually('no rules', async () => (await client.holds()) === client.before);
        process.stderr.write(`undone ${Math.round(performance.now() - killed)} ms after SIGKILL\n`);
        expect(await client.answers()).toEqual(DIRECT);
        // Still there, so it wasn't the end of all children that was noticed.
        process.kill(sibling, 0);
        await eventually('the end of the guardian', () => hasEnded(guardian));
      } finally {
        process.kill(sibling, 'SIGKILL');
      }
    });

    test('are those of a session of their own', async () => {
      await using held = await hold(client.ns);
      const guardian = guardianOf(held);
      const session = (pid: number) =>
        // proc(5), stat: after the name in parentheses come state, ppid, pgrp, session.
        Number(/.*\) \S \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]);
      expect(session(guardian)).toBe(guardian);
      expect(session(held.pid)).not.toBe(guardian);
    });

    test('have another guardian when theirs is killed', async () => {
      await using held = await hold(client.ns);
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
          message: 'the guardian of the rules died; starting another',
          pid: first,
          code: 128 + 9,
        },
        { message: 'another guardian is at its post', pid: second },
      ]);
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
      await held.kill();
      await eventually('no rules', async () => (await client.holds()) === client.before);
      await eventually('its end', () => hasEnded(second));
    });

    test('come out although their guardian has just been killed', async () => {
      await using held = await hold(client.ns);
      process.kill(guardianOf(held), 'SIGKILL');
      expect(await held.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
      expect(childrenOf(held.pid)).toEqual([]);
    });

    test('of the next start are nothing to a guardian that comes late', async () => {
      const first = await hold(client.ns);
      const guardian = guardianOf(first);
      process.kill(guardian, 'SIGSTOP');
      await first.kill();
      await using _ = await hold(client.ns);
      const rules = await client.holds();
      process.kill(guardian, 'SIGCONT');
      await eventually('its end', () => hasEnded(guardian));
      expect(await client.holds()).toBe(rules);
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
    });

    test('that a dead process has left, when its guardian died too, are cleaned', async () => {
      const held = await hold(client.ns);
      await killBoth(held);
      expect(await client.holds()).not.toBe(client.before);
      const [chain, v4, v6] = [chainName(held.pid), setName(4, held.pid), setName(6, held.pid)];
      const removed = (await once(client.ns, 'clean')) as string[];
      expect(removed.toSorted()).toEqual(
        [
          `the ip6tables chain ${chain} and the rules that lead there`,
          `the iptables chain ${chain} and the rules that lead there`,
          `the ipset ${v4}`,
          `the ipset ${v6}`,
        ].toSorted(),
      );
      expect(await client.holds()).toBe(client.before);
      expect(await once(client.ns, 'clean')).toEqual([]);
    });

    test('that dead processes have left are replaced by the next start', async () => {
      const first = await hold(client.ns);
      await killBoth(first);
      // Another one had got no further than its sets. No process has a pid that large: PID_MAX_LIMIT.
      await client.ns.must(['ipset', 'create', setName(4, 4_194_304), 'hash:net']);
      await using third = await hold(client.ns);
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
      const [{ message, removed }] = JSON.parse(await third.say('logs'));
      expect(message).toBe('removed what an earlier run had left');
      expect(removed).toContain(chainName(first.pid));
      expect(removed).toContain(setName(4, 4_194_304));
      expect(await third.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
    });

    test('that a running process holds are left alone', async () => {
      await using held = await hold(client.ns);
      const taken = {
        status: 'ERR_REDIRECT_HELD',
        message: `the iptables rules are those of process ${held.pid}, which runs`,
        hint: `end that process first: kill ${held.pid}`,
      };
      expect(await once(client.ns, 'clean')).toEqual(taken);
      const [second] = await Held.start(client.ns, HOLD);
      await using _ = second;
      expect(JSON.parse(await second.say(`apply ${planText(CHINESE)}`))).toEqual(taken);
      expect(childrenOf(second.pid)).toEqual([]);
      expect(await client.answers()).toEqual(ABROAD_REDIRECTED);
      expect(await held.say('remove')).toBe('done');
      expect(await client.holds()).toBe(client.before);
    });
  },
);
