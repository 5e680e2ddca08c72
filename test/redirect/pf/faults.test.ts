/** Every program fails at every place, on a fake Mac: what is begun is finished or undone. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cleanPf } from '../../../src/redirect/pf/undo.ts';
import type { RedirectError } from '../../../src/redirect/redirect.ts';
import type { Fault, ProcessOptions } from '../../lab/mac/fake_mac.ts';
import { startReference } from '../../lab/mac/pf_kernel.ts';
import { folderForEach } from '../../lab/folder.ts';
import { failure } from '../failure.ts';
import { at, macForEach, NEXT, OnMac, PLAN } from './on_mac.ts';

const FAULTS = ['failed', 'lost', 'timed out'] as const satisfies readonly Fault[];
const NEAR = { destination: at('10.1.1.1', 443) };

const folder = folderForEach();

interface Story {
  readonly on: OnMac;
  readonly before: unknown;
  /** Of the process that meets the fault. */
  readonly options: ProcessOptions;
  /** Its part in which the fault comes. */
  readonly crucial: (part: () => Promise<void>) => Promise<RedirectError | undefined>;
}

/**
 * Tells the same story with a fault at the first call of its crucial part, then at the second, and so on until none is
 * left to fail.
 * @returns how many calls have failed
 */
async function atEveryCall(fault: Fault, tell: (story: Story) => Promise<void>): Promise<number> {
  for (let failures = 0; ; failures++) {
    const on = new OnMac(folder.file(`run-${failures}`));
    using _ = on.mac;
    // So that pf stays on: what is given back is seen, and what is not.
    on.mac.change((state) => startReference(state, 7, 'pfctl'));
    let left: number | undefined;
    let met = false;
    await tell({
      on,
      before: on.mac.held(),
      options: {
        fault: () => {
          if (left === undefined || left-- > 0) return undefined;
          left = undefined;
          met = true;
          return fault;
        },
      },
      crucial: async (part) => {
        left = failures;
        const error = await failure(part());
        left = undefined;
        return error;
      },
    });
    if (!met) return failures;
  }
}

describe.each([...FAULTS])('one call that is %s', (fault) => {
  test('leaves apply() done or undone', async () => {
    const outcomes = { done: 0, undone: 0 };
    const places = await atEveryCall(fault, async ({ on, before, options, crucial }) => {
      const pf = on.pf({}, options);
      const error = await crucial(() => pf.apply(PLAN));
      if (error === undefined) {
        expect(on.fate()).toBe('127.0.0.1:1111');
        expect(on.guardians.ends).toEqual([undefined]);
        outcomes.done++;
        await pf.remove();
      } else outcomes.undone++;
      expect(on.mac.held()).toEqual(before);
      expect(on.guardians.ends.every((end) => end === 'dismissed')).toBe(true);
      expect(existsSync(on.files.state)).toBe(false);
    });
    // Looking for leftovers, the facts, loading, turning on, the sysctl.
    expect(places).toBeGreaterThanOrEqual(12);
    expect(outcomes.undone).toBeGreaterThanOrEqual(7);
  });

  test('leaves the old ranges in force in update(), or has the new ones', async () => {
    const places = await atEveryCall(fault, async ({ on, before, options, crucial }) => {
      const pf = on.pf({}, options);
      await pf.apply(PLAN);
      const ranges = readFileSync(on.files.bypass, 'utf8');
      const error = await crucial(() => pf.update(NEXT));
      // The watchdog would load the rules anew with what is in the file.
      expect(readFileSync(on.files.bypass, 'utf8') === ranges).toBe(error !== undefined);
      if (error === undefined) expect(on.fate(NEAR)).toBe('127.0.0.1:1111');
      else if (fault === 'failed') expect(on.fate(NEAR)).toBe('passed');
      await pf.update(NEXT);
      expect(on.fate(NEAR)).toBe('127.0.0.1:1111');
      await pf.remove();
      expect(on.mac.held()).toEqual(before);
    });
    expect(places).toBe(1);
  });

  test('does not keep remove() from its end', async () => {
    const places = await atEveryCall(fault, async ({ on, before, options, crucial }) => {
      const pf = on.pf({}, options);
      await pf.apply(PLAN);
      expect(await crucial(() => pf.remove())).toBeUndefined();
      expect(on.mac.held()).toEqual(before);
      expect(on.guardians.ends).toEqual(['dismissed']);
    });
    expect(places).toBeGreaterThanOrEqual(5);
  });

  test('leaves verify() with all put right, at once or the next time', async () => {
    const places = await atEveryCall(fault, async ({ on, before, options, crucial }) => {
      const pf = on.pf({}, options);
      await pf.apply(PLAN);
      on.mac.change((state) => {
        // `pfctl -d`, `-e` and `-F all` of somebody who means well.
        state.pf.references = [];
        state.pf.isOn = false;
        delete state.pf.anchors['com.apple/snet'];
        state.sysctls['net.inet.tcp.tso'] = '1';
      });
      expect(await crucial(() => pf.verify())).toBeUndefined();
      await pf.verify();
      expect(on.fate()).toBe('127.0.0.1:1111');
      expect(on.mac.state.pf.references).toHaveLength(1);
      expect(on.mac.state.sysctls['net.inet.tcp.tso']).toBe('0');
      await pf.remove();
      on.mac.change((state) => {
        state.pf.references = (before as typeof state).pf.references;
        state.pf.isOn = true;
      });
      expect(on.mac.held()).toEqual(before);
    });
    expect(places).toBeGreaterThanOrEqual(12);
  });
});

const mac = macForEach();

describe('the guardian', () => {
  test('is kept when the rules could not be taken out: it tries again after us', async () => {
    const broken = { value: false };
    const before = mac().mac.held();
    const fault = ({ argv }: { readonly argv: readonly string[] }) =>
      broken.value && argv.includes('-F') ? ('failed' as const) : undefined;
    const pf = mac().pf({}, { fault });
    await pf.apply(PLAN);
    broken.value = true;
    expect(await failure(pf.remove())).toMatchObject({ status: 'ERR_REDIRECT_COMMAND' });
    expect(mac().guardians.ends).toEqual([undefined]);
    // What could be undone has been, and the file tells of the rest.
    const { pf: kernel, sysctls } = mac().mac.state;
    expect(kernel.isOn).toBe(false);
    expect(sysctls['net.inet.tcp.tso']).toBe('1');
    expect(existsSync(mac().files.state)).toBe(true);
    expect(await cleanPf(mac().process(), mac().files)).toEqual([
      'the pf rules and tables of com.apple/snet',
    ]);
    expect(mac().mac.held()).toEqual(before);
    expect(readdirSync(mac().folder)).toEqual([]);
  });
});

test('a token is not taken for ours when it could be somebody else’s', async () => {
  const fault = ({ argv }: { readonly argv: readonly string[] }) => {
    if (!argv.includes('-E')) return undefined;
    mac().mac.change((state) => startReference(state, 8, 'pfctl'));
    return 'lost' as const;
  };
  expect(await failure(mac().pf({}, { fault }).apply(PLAN))).toMatchObject({
    status: 'ERR_REDIRECT_COMMAND',
  });
  const { references, anchors } = mac().mac.state.pf;
  expect(references).toHaveLength(2);
  expect(anchors['com.apple/snet']).toBeUndefined();
});

test('a pfctl that gives no token is not trusted', async () => {
  const before = mac().mac.held();
  const runner = mac().process();
  const mute = mac().pf({
    runner: {
      start: (argv, options) => runner.start(argv, options),
      run: async (argv, options) => {
        const finished = await runner.run(argv, options);
        return argv.includes('-E') ? { ...finished, stderr: 'pf enabled\n' } : finished;
      },
    },
  });
  expect(await failure(mute.apply(PLAN))).toMatchObject({ message: 'pfctl -E has given no token' });
  expect(mac().mac.held()).toEqual(before);
});

test('a disk that is full keeps the rules out', async () => {
  const before = mac().mac.held();
  await Bun.write(mac().folder, 'no folder');
  expect(await failure(mac().pf().apply(PLAN))).toMatchObject({
    status: 'ERR_REDIRECT_COMMAND',
    message: 'the state of pf could not be written',
  });
  expect(mac().mac.held()).toEqual(before);
});
