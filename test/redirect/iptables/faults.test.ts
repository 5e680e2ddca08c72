/** Every program fails at every place, on a kernel made of memory: what is begun is finished or undone. */
import { describe, expect, test } from 'bun:test';
import { silent } from '../../../src/base/log.ts';
import { cleanIptables, createIptables, probeIptables } from '../../../src/redirect/iptables/iptables.ts';
import { chainName, setName } from '../../../src/redirect/iptables/names.ts';
import type { RedirectError, RedirectPlan } from '../../../src/redirect/redirect.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { failure } from '../failure.ts';
import { FakeKernel, type Fault } from './fake_kernel.ts';

const FAULTS: readonly Fault[] = ['failed', 'lost', 'timed out'];
const PROGRAMS = ['ipset', 'iptables-restore', 'ip6tables-restore'];

const planFor = (...cidrs: string[]): RedirectPlan => ({
  port: 1111,
  dns: 1053,
  linkLocalDns: undefined,
  gid: 7777,
  ipv6: true,
  bypass: rangesFrom(...cidrs),
});
const PLAN = planFor('10.0.0.0/8', 'fc00::/7');
const NEXT = planFor('192.0.2.0/24', '2001:db8::/32');
const EMPTY = new FakeKernel().holds();

const inForce = async (plan: RedirectPlan): Promise<unknown> => {
  const kernel = new FakeKernel();
  await createIptables({ runner: kernel, log: silent }).apply(plan);
  return kernel.holds();
};

/**
 * Tells the same story with a fault at the first call of its crucial part, then at the second, and so on until none is
 * left to fail.
 * @returns how many calls have failed
 */
async function atEveryCall(
  fault: Fault,
  story: (
    kernel: FakeKernel,
    crucial: (part: () => Promise<void>) => Promise<RedirectError | undefined>,
  ) => Promise<void>,
): Promise<number> {
  for (let failures = 0; ; failures++) {
    const kernel = new FakeKernel();
    let met = false;
    await story(kernel, async (part) => {
      const place = kernel.calls + failures + 1;
      kernel.fault = ({ number }) => {
        met ||= number === place;
        return number === place ? fault : undefined;
      };
      const error = await failure(part());
      kernel.fault = () => undefined;
      return error;
    });
    if (!met) return failures;
  }
}

describe.each([...FAULTS])('one call that is %s', (fault) => {
  test('leaves apply() done or undone', async () => {
    const done = await inForce(PLAN);
    const outcomes = { done: 0, undone: 0 };
    const places = await atEveryCall(fault, async (kernel, crucial) => {
      const error = await crucial(() => createIptables({ runner: kernel, log: silent }).apply(PLAN));
      if (error === undefined) {
        expect(kernel.holds()).toEqual(done);
        expect(kernel.guardians.ends).toEqual([undefined]);
        outcomes.done++;
      } else {
        expect(kernel.holds()).toEqual(EMPTY);
        expect(kernel.guardians.ends).toEqual(['dismissed']);
        outcomes.undone++;
      }
    });
    // Three listings; the sets; the rules of two families.
    expect(places).toBeGreaterThanOrEqual(6);
    expect(outcomes.undone).toBeGreaterThanOrEqual(3);
  });

  test('leaves the old ranges in force in update(), or has the new ones', async () => {
    const [old, wanted] = [await inForce(PLAN), await inForce(NEXT)];
    const places = await atEveryCall(fault, async (kernel, crucial) => {
      const redirect = createIptables({ runner: kernel, log: silent });
      await redirect.apply(PLAN);
      const error = await crucial(() => redirect.update(NEXT));
      if (error === undefined) expect(kernel.holds()).toEqual(wanted);
      else if (fault === 'failed') expect(kernel.holds()).toEqual(old);
      else expect([old, wanted]).toContainEqual(kernel.holds());
      await redirect.update(NEXT);
      expect(kernel.holds()).toEqual(wanted);
      await redirect.remove();
      expect(kernel.holds()).toEqual(EMPTY);
    });
    expect(places).toBeGreaterThanOrEqual(3);
  });

  test('does not keep remove() from its end', async () => {
    const places = await atEveryCall(fault, async (kernel, crucial) => {
      const redirect = createIptables({ runner: kernel, log: silent });
      await redirect.apply(PLAN);
      expect(await crucial(() => redirect.remove())).toBeUndefined();
      expect(kernel.holds()).toEqual(EMPTY);
      expect(kernel.guardians.ends).toEqual(['dismissed']);
    });
    expect(places).toBeGreaterThanOrEqual(7);
  });
});

describe.each(PROGRAMS)('%s', (program) => {
  test('that always fails has nothing left of apply()', async () => {
    const kernel = new FakeKernel();
    kernel.fault = (call) => (call.program === program ? 'failed' : undefined);
    const error = await failure(createIptables({ runner: kernel, log: silent }).apply(PLAN));
    expect(error).toMatchObject({
      status: 'ERR_REDIRECT_COMMAND',
      message: `${program} failed: no reason`,
    });
    expect(kernel.holds()).toEqual(EMPTY);
  });

  test('that is missing makes the mechanism unsupported, and is named', async () => {
    const kernel = new FakeKernel();
    kernel.fault = (call) => (call.program === program ? 'missing' : undefined);
    const error = await failure(createIptables({ runner: kernel, log: silent }).apply(PLAN));
    expect(error).toMatchObject({
      status: 'ERR_REDIRECT_UNSUPPORTED',
      message: `the program ${program} is not installed`,
    });
    expect(kernel.holds()).toEqual(EMPTY);
    expect(kernel.guardians.ends).toEqual(['dismissed']);
  });
});

describe('the guardian', () => {
  test('that does not get ready keeps the rules out', async () => {
    const kernel = new FakeKernel();
    kernel.guardians.greeting = 'help\n';
    const error = await failure(createIptables({ runner: kernel, log: silent }).apply(PLAN));
    expect(error).toMatchObject({
      status: 'ERR_REDIRECT_COMMAND',
      message: 'the guardian did not get ready: it was not well',
    });
    expect(kernel.guardians.ends).toEqual(['killed']);
    expect(kernel.holds()).toEqual(EMPTY);
  });

  test('that cannot be started keeps the rules out', async () => {
    const kernel = new FakeKernel();
    const cause = new Error('EAGAIN');
    kernel.start = () => {
      throw cause;
    };
    expect(await failure(createIptables({ runner: kernel, log: silent }).apply(PLAN))).toMatchObject({
      status: 'ERR_REDIRECT_COMMAND',
      message: 'the guardian could not be started',
      cause,
    });
    expect(kernel.holds()).toEqual(EMPTY);
  });

  test('is kept when the rules could not be taken out: it tries again after us', async () => {
    const kernel = new FakeKernel();
    const redirect = createIptables({ runner: kernel, log: silent });
    await redirect.apply(PLAN);
    kernel.fault = ({ program }) => (program === 'iptables-restore' ? 'failed' : undefined);
    expect(await failure(redirect.remove())).toMatchObject({ status: 'ERR_REDIRECT_COMMAND' });
    expect(kernel.guardians.ends).toEqual([undefined]);
    // What could be taken out has been.
    expect(kernel.tables[6].chains.size).toBe(0);
    expect([...kernel.sets.keys()]).toEqual([setName(4, process.pid)]);
  });

  test('that cannot be replaced is missed aloud', async () => {
    const kernel = new FakeKernel();
    const logged: string[] = [];
    const log = {
      ...silent,
      warn: (text: string) => logged.push(text),
      error: (text: string) => logged.push(text),
    };
    const redirect = createIptables({ runner: kernel, log });
    await redirect.apply(PLAN);
    kernel.guardians.greeting = '';
    kernel.guardians.all[0]!.kill('SIGKILL');
    while (logged.length < 2) await Bun.sleep(10);
    expect(logged).toEqual([
      'the guardian of the rules died; starting another',
      'there is no guardian: if snet is killed now, only `snet clean` removes its rules',
    ]);
    await redirect.remove();
    expect(kernel.holds()).toEqual(EMPTY);
  });
});

describe('clean', () => {
  test('has nothing to do where no program is installed', async () => {
    const kernel = new FakeKernel();
    kernel.fault = () => 'missing';
    expect(await cleanIptables(kernel)).toEqual([]);
  });

  test('says what it could not do, after doing the rest', async () => {
    const kernel = new FakeKernel();
    const redirect = createIptables({ runner: kernel, log: silent });
    await redirect.apply(PLAN);
    kernel.fault = ({ program }) => (program === 'ip6tables-restore' ? 'failed' : undefined);
    expect(await failure(cleanIptables(kernel))).toMatchObject({ status: 'ERR_REDIRECT_COMMAND' });
    expect(kernel.tables[4].chains.has(chainName(process.pid))).toBe(false);
  });
});

describe('probe', () => {
  test.each(['ipset', 'iptables-restore'])('names %s where it is missing', async (program) => {
    const kernel = new FakeKernel();
    kernel.fault = (call) => (call.program === program ? 'missing' : undefined);
    expect(await probeIptables(kernel)).toBe(`the program ${program} is not installed`);
  });
});
