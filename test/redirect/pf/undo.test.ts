/** The guardian's work: its process has died. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Runner } from '../../../src/base/runner.ts';
import { ANCHOR } from '../../../src/redirect/pf/names.ts';
import { writeState } from '../../../src/redirect/pf/state_file.ts';
import { cleanPf, undoPfAfter } from '../../../src/redirect/pf/undo.ts';
import type { MacState } from '../../lab/mac/mac_state.ts';
import { load, startReference } from '../../lab/mac/pf_kernel.ts';
import { macForEach, PLAN } from './on_mac.ts';

const on = macForEach();
const RULES = 'pass out quick all no state\n';

/** Does something to the Mac right after the first call with these words. */
function after(words: string, change: (state: MacState) => void): Runner {
  const runner = on().process();
  let left = 1;
  return {
    start: (argv, options) => runner.start(argv, options),
    run: async (argv, options) => {
      const finished = await runner.run(argv, options);
      if (argv.join(' ').includes(words) && left-- > 0) on().mac.change(change);
      return finished;
    },
  };
}

describe('undoPfAfter()', () => {
  test('has the Mac as it was, and nothing to do the second time', async () => {
    const { mac, files } = on();
    const before = mac.held();
    await on().pf().apply(PLAN);
    await undoPfAfter(on().process(), process.pid, files);
    expect(mac.held()).toEqual(before);
    expect(readdirSync(files.folder)).toEqual([]);
    const { length } = mac.state.seen.calls;
    await undoPfAfter(on().process(), process.pid, files);
    expect(mac.state.seen.calls).toHaveLength(length);
  });

  test('leaves alone what is another’s', async () => {
    const { mac, files } = on();
    await on().pf().apply(PLAN);
    const before = mac.held();
    await undoPfAfter(on().process(), process.pid + 1, files);
    expect(mac.held()).toEqual(before);
    expect(existsSync(files.state)).toBe(true);
  });

  test('finds what a pfctl of the dead process has done after the first look', async () => {
    const { mac, files } = on();
    const before = mac.held();
    const state = { owner: 9, boot: mac.state.boot.uuid, token: undefined, before: [], segmentation: 1 };
    await writeState(files, state);
    // The last thing that is looked at in the first look.
    const late = after('-n net.inet.tcp.tso', (its) => {
      load(its, ANCHOR, RULES, 'stdin', () => '');
      startReference(its, 10, 'pfctl');
      its.sysctls['net.inet.tcp.tso'] = '0';
    });
    await undoPfAfter(late, 9, files);
    expect(mac.held()).toEqual(before);
    expect(existsSync(files.state)).toBe(false);
  });

  test.each(['-sn', '-F all', '-X', '-n net.inet.tcp.tso'])(
    'stops where another snet has taken over (after %s)',
    async (words) => {
      const { mac, files } = on();
      await on().pf().apply(PLAN);
      const next = { owner: 77, boot: undefined, token: '5', before: undefined, segmentation: 1 };
      let text = '';
      const runner = on().process();
      let left = 1;
      const overtaken: Runner = {
        start: (argv, options) => runner.start(argv, options),
        run: async (argv, options) => {
          const finished = await runner.run(argv, options);
          if (!argv.join(' ').includes(words) || left-- <= 0) return finished;
          // It recovers, writes its state, and puts its rules in.
          await cleanPf(on().process(), files);
          await writeState(files, next);
          text = readFileSync(files.state, 'utf8');
          mac.change((state) => {
            load(state, ANCHOR, RULES, 'stdin', () => '');
            state.pf.references = [{ token: '5', pid: 4, program: 'pfctl' }];
            state.pf.isOn = true;
            state.sysctls['net.inet.tcp.tso'] = '0';
          });
          return finished;
        },
      };
      await undoPfAfter(overtaken, process.pid, files);
      expect(readFileSync(files.state, 'utf8')).toBe(text);
      expect(mac.state.pf.references.map(({ token }) => token)).toEqual(['5']);
      expect(mac.state.pf.anchors[ANCHOR]?.text).toBe(RULES);
      expect(mac.state.sysctls['net.inet.tcp.tso']).toBe('0');
    },
  );
});
