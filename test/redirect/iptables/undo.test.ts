/** Others change the kernel while we take out what is ours. */
import { describe, expect, test } from 'bun:test';
import { silent } from '../../../src/base/log.ts';
import type { Runner } from '../../../src/base/runner.ts';
import { NO_RANGES } from '../../../src/net/ranges.ts';
import { createIptables } from '../../../src/redirect/iptables/iptables.ts';
import { setName } from '../../../src/redirect/iptables/names.ts';
import { takeOut, takeOutAfter } from '../../../src/redirect/iptables/undo.ts';
import { FakeKernel } from './fake_kernel.ts';

const EMPTY = new FakeKernel().holds();
const PLAN = { port: 1111, dns: 1053, linkLocalDns: undefined, gid: 7777, ipv6: true, bypass: NO_RANGES };
const all = () => true;

describe('takeOut()', () => {
  /** What iptables-restore 1.8.9 says of a rule or chain that was there when it was listed. */
  test.each([
    ['nf_tables', 'iptables-restore: line 4 failed: No chain/target/match by that name.'],
    ['nf_tables', "iptables-restore v1.8.9 (nf_tables): Chain 'SNET-9' does not exist"],
    ['legacy', 'iptables-restore: line 2 failed'],
    ['legacy', "iptables-restore v1.8.9 (legacy): Couldn't load target `SNET-9':No such file or directory"],
  ])('looks again if somebody was quicker (%s: %s)', async (_variant, stderr) => {
    const kernel = new FakeKernel();
    await createIptables({ runner: kernel, log: silent }).apply(PLAN);
    const somebodyQuicker: Runner = {
      start: () => kernel.start(),
      run: async (argv, options) => {
        const finished = await kernel.run(argv, options);
        return argv[0] === 'iptables-restore' ? { code: 1, stdout: '', stderr } : finished;
      },
    };
    const removed = await takeOut(somebodyQuicker, all);
    expect(removed.some((what) => what.includes('the iptables chain'))).toBe(false);
    expect(kernel.holds()).toEqual(EMPTY);
  });

  test('does not ask again where it lacks the right', async () => {
    let calls = 0;
    const forbidding: Runner = {
      start: () => new FakeKernel().start(),
      run: () => {
        calls++;
        return Promise.resolve({ code: 4, stdout: '', stderr: 'Permission denied (you must be root)' });
      },
    };
    const error: unknown = await takeOut(forbidding, all).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 'ERR_REDIRECT_PERMISSION' });
    // Each listing once.
    expect(calls).toBe(3);
  });
});

test('takeOutAfter() finds what a program of the dead process has made after the first look', async () => {
  const kernel = new FakeKernel();
  const [owner, other] = [9001, 9002];
  let looks = 0;
  const late: Runner = {
    start: () => kernel.start(),
    run: async (argv, options) => {
      const finished = await kernel.run(argv, options);
      if (argv[0] === 'ipset' && ++looks === 1)
        await kernel.run(['ipset', 'restore'], {
          stdin: `create ${setName(4, owner)} hash:net\ncreate ${setName(4, other)} hash:net\n`,
        });
      return finished;
    },
  };
  await takeOutAfter(late, owner);
  expect([...kernel.sets.keys()]).toEqual([setName(4, other)]);
});
