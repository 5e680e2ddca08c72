import { describe, expect, test } from 'bun:test';
import { exitCodeOf, EXIT } from '../../src/cli/exit.ts';
import { RedirectError, type Mechanism } from '../../src/redirect/redirect.ts';
import { chooseMechanism } from '../../src/redirect/select_redirect.ts';

const NO_TABLES = 'the kernel has no nf_tables';
const NO_PROGRAM = 'the program ipset is not installed (On Debian and Ubuntu: apt install ipset)';

/** Probes that answer so, and which of them were asked. */
function probes(nftables: string | undefined, iptables: string | undefined) {
  const asked: Mechanism[] = [];
  const probe = (mechanism: Mechanism, answer: string | undefined) => () => {
    asked.push(mechanism);
    return Promise.resolve(answer);
  };
  return { asked, nftables: probe('nftables', nftables), iptables: probe('iptables', iptables) };
}

describe('chooseMechanism()', () => {
  test.each([
    ['auto', undefined, undefined, 'nftables', 'the kernel has it'],
    ['auto', undefined, NO_PROGRAM, 'nftables', 'the kernel has it'],
    ['auto', NO_TABLES, undefined, 'iptables', `not nftables: ${NO_TABLES}`],
    ['nftables', undefined, undefined, 'nftables', 'as configured'],
    ['iptables', undefined, undefined, 'iptables', 'as configured'],
    ['iptables', NO_TABLES, undefined, 'iptables', 'as configured'],
  ] as const)(
    '%s, nftables: %p, iptables: %p → %s',
    async (preference, nftables, iptables, mechanism, why) => {
      expect(await chooseMechanism(preference, probes(nftables, iptables))).toEqual({ mechanism, why });
    },
  );

  test.each([
    ['auto', ['nftables']],
    ['nftables', ['nftables']],
    ['iptables', ['iptables']],
  ] as const)('%s asks only as far as it must: %p', async (preference, expected) => {
    const all = probes(undefined, undefined);
    await chooseMechanism(preference, all);
    expect(all.asked).toEqual([...expected]);
  });

  test.each([
    ['auto', [NO_TABLES, NO_PROGRAM], /nf_tables.*apt install iptables ipset/],
    ['nftables', [NO_TABLES], /--redirect auto/],
    ['iptables', [NO_PROGRAM], /--redirect auto/],
  ] as const)(
    '%s, if nothing of that works: says why of each, and what to do',
    async (preference, reasons, hint) => {
      const error: unknown = await chooseMechanism(preference, probes(NO_TABLES, NO_PROGRAM)).catch(
        (reason: unknown) => reason,
      );
      if (!(error instanceof RedirectError)) throw error;
      expect(error.status).toBe('ERR_REDIRECT_UNSUPPORTED');
      expect(exitCodeOf(error)).toBe(EXIT.unsupported.code);
      for (const reason of reasons) expect(error.message).toContain(reason);
      expect(error.hint).toMatch(hint);
    },
  );
});
