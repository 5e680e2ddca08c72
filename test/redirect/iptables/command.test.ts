import { describe, expect, test } from 'bun:test';
import { RunError, type Runner } from '../../../src/base/runner.ts';
import { execute } from '../../../src/redirect/iptables/command.ts';
import { RedirectError } from '../../../src/redirect/redirect.ts';

const says = (stderr: string, code = 1): Runner => ({
  run: async () => ({ code, stdout: 'out', stderr }),
  start: () => {
    throw new Error('nothing is started here');
  },
});

async function errorOf(runner: Runner, stdin?: string): Promise<RedirectError> {
  try {
    await execute(runner, ['iptables-restore', '--noflush'], stdin);
  } catch (error) {
    if (error instanceof RedirectError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('execute()', () => {
  test('returns what the program prints', async () => {
    expect(await execute(says('a warning', 0), ['iptables-save'])).toBe('out');
  });

  /** Of iptables 1.8.9 in both variants and ipset 7.17, met here or, where a kernel lacks something, in their binaries. */
  test.each([
    [
      'iptables-restore v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)',
      'ERR_REDIRECT_PERMISSION',
    ],
    ["Fatal: can't open lock file /run/xtables.lock: Permission denied", 'ERR_REDIRECT_PERMISSION'],
    ['ipset v7.17: Kernel error received: Operation not permitted', 'ERR_REDIRECT_PERMISSION'],
    [
      "iptables-restore v1.8.9 (nf_tables): Couldn't load match `set':No such file or directory",
      'ERR_REDIRECT_UNSUPPORTED',
    ],
    [
      "ip6tables-restore v1.8.9 (legacy): ip6tables-restore: unable to initialize table 'nat'",
      'ERR_REDIRECT_UNSUPPORTED',
    ],
    [
      'iptables-save v1.8.9 (legacy): Cannot initialize: Table does not exist (do you need to insmod?)',
      'ERR_REDIRECT_UNSUPPORTED',
    ],
    ['iptables/1.8.9 Failed to initialize nft: Protocol not supported', 'ERR_REDIRECT_UNSUPPORTED'],
    ['ipset v7.17: Cannot open session to kernel.', 'ERR_REDIRECT_UNSUPPORTED'],
    [
      'line 3: RULE_APPEND failed (No such file or directory): rule in chain SNET-1',
      'ERR_REDIRECT_UNSUPPORTED',
    ],
    ["iptables-restore v1.8.9 (nf_tables): Set snet4-1 doesn't exist.", 'ERR_REDIRECT_COMMAND'],
    ['ipset v7.17: Set cannot be destroyed: it is in use by a kernel component', 'ERR_REDIRECT_COMMAND'],
    ['', 'ERR_REDIRECT_COMMAND'],
  ] as const)('%s', async (stderr, status) => {
    expect((await errorOf(says(stderr))).status).toBe(status);
  });

  test('tells what the program said on one line, and shows the line of the input that it names', async () => {
    const said =
      "iptables-restore v1.8.9 (nf_tables): Set nope doesn't exist.\n\nError occurred at line: 2\nTry `iptables-restore -h' …\n";
    expect((await errorOf(says(said), '*nat\n-A SNET-1 -m set --match-set nope dst\nCOMMIT\n')).message).toBe(
      `iptables-restore failed at "-A SNET-1 -m set --match-set nope dst": iptables-restore v1.8.9 (nf_tables): Set nope doesn't exist.; Error occurred at line: 2`,
    );
    expect((await errorOf(says('', 7))).message).toBe('iptables-restore failed: exit code 7, without a word');
  });

  test('tells who misses nf_tables in the kernel of the other iptables', async () => {
    const { hint } = await errorOf(says('iptables/1.8.9 Failed to initialize nft: Protocol not supported'));
    expect(hint).toContain('update-alternatives --config iptables');
  });

  test.each([
    ['ERR_RUN_MISSING', 'ERR_REDIRECT_UNSUPPORTED'],
    ['ERR_RUN_TIMEOUT', 'ERR_REDIRECT_COMMAND'],
  ] as const)('%s becomes %s, and keeps its words', async (given, status) => {
    const cause = new RunError(given, 'the reason', { hint: 'the way out' });
    const runner: Runner = { ...says(''), run: () => Promise.reject(cause) };
    expect(await errorOf(runner)).toMatchObject({
      status,
      message: 'the reason',
      hint: 'the way out',
      cause,
    });
  });

  test("lets an error through that isn't the program's", () => {
    const runner: Runner = { ...says(''), run: () => Promise.reject(new TypeError('ours')) };
    expect(() => errorOf(runner)).toThrow('ours');
  });
});
