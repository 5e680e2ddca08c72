/** Other programs do something to pf while our rules are in force. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parseState } from '../../../src/redirect/pf/state_file.ts';
import type { MacState } from '../../lab/mac/mac_state.ts';
import { replaceMainRuleset, STOCK_PF_CONF } from '../../lab/mac/mac_state.ts';
import { load, stop } from '../../lab/mac/pf_kernel.ts';
import { eventually } from '../../lab/eventually.ts';
import { at, macForEach, NEXT, PLAN } from './on_mac.ts';

const on = macForEach();

const EVERY = 30_000;
const OURS = 'com.apple/snet';

/** The watchdog looks so many times. */
async function looks(times: number = 1): Promise<void> {
  const { clock } = on();
  for (let i = 0; i < times; i++) {
    await clock.pass(EVERY);
    // The next one is waited for when this one is over.
    await eventually('the end of a look', () => clock.waiting === 1);
  }
}

function reloadPfConf(state: MacState): void {
  load(state, '', STOCK_PF_CONF, '/etc/pf.conf', (path) => state.files[path]!);
}

describe('every 30 s', () => {
  test('nothing is said or changed where all is well', async () => {
    const pf = on().pf();
    await pf.apply(PLAN);
    const before = on().mac.held();
    await looks(10);
    expect(on().mac.held()).toEqual(before);
    expect(on().said).toEqual([]);
    // Proven once, and never in doubt.
    expect(on().proofs).toEqual([[4, 6]]);
    await pf.remove();
  });

  test.each<readonly [string, (state: MacState) => void, string]>([
    ['pf that was turned off', stop, 'pf was turned off'],
    [
      'a reference that was dropped while pf is on',
      ({ pf }) => {
        pf.references = [{ token: '7', pid: 7, program: 'pfctl' }];
      },
      'our reference to pf was dropped',
    ],
    ['rules that were flushed', ({ pf }) => delete pf.anchors[OURS], 'our rules were flushed'],
    [
      'half of the rules that was flushed',
      ({ pf }) => {
        const rules = pf.anchors[OURS]!;
        pf.anchors[OURS] = { ...rules, text: rules.text.replaceAll(/^(?:no )?rdr .*\n/gm, '') };
      },
      'our rules were flushed',
    ],
    ['the sysctl', ({ sysctls }) => (sysctls['net.inet.tcp.tso'] = '1'), 'net.inet.tcp.tso was set'],
  ])('%s is put right, and said once', async (_what, harm, words) => {
    const { mac } = on();
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    const owed = structuredClone(mac.state.pf.references);
    const held = mac.held();
    mac.change(harm);
    await looks();
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().said).toEqual([`warn: put right what another program had done to pf found=${words}`]);
    expect(on().proofs).toHaveLength(2);
    const { references } = mac.state.pf;
    expect(parseState(readFileSync(on().files.state, 'utf8'))?.token).toBe(references.at(-1)!.token);
    // Tables and rules are the same as before.
    expect(mac.state.pf.anchors).toEqual((held as MacState).pf.anchors);
    await looks(3);
    expect(on().said).toHaveLength(1);
    await pf.remove();
    mac.change((state) => {
      state.pf.references = state.pf.references.filter(
        ({ token }) => token !== '7' && token !== owed[0]!.token,
      );
      state.pf.isOn = state.pf.references.length > 0;
    });
    expect(mac.held()).toEqual(before);
  });

  test('a listing that never has our reference does not heap up references', async () => {
    const { mac } = on();
    const before = mac.held();
    const runner = on().process();
    const pf = on().pf({
      runner: {
        start: (argv, options) => runner.start(argv, options),
        run: async (argv, options) => {
          const finished = await runner.run(argv, options);
          return argv.join(' ') === 'pfctl -s References'
            ? { ...finished, stdout: 'No pf starter references held\n' }
            : finished;
        },
      },
    });
    await pf.apply(PLAN);
    await looks(3);
    expect(mac.state.pf.references).toHaveLength(1);
    expect(on().said).toHaveLength(1);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('what comes again and again is not said each time', async () => {
    const pf = on().pf();
    await pf.apply(PLAN);
    for (let i = 0; i < 5; i++) {
      on().mac.change(stop);
      await looks();
      expect(on().mac.state.pf.isOn).toBe(true);
    }
    expect(on().said).toHaveLength(1);
    await pf.remove();
  });

  test.each<readonly [string, (state: MacState) => void, string]>([
    ['a main ruleset that does not ask us', (state) => replaceMainRuleset(state), 'no anchors "com.apple/*"'],
    [
      'half a main ruleset',
      (state) => replaceMainRuleset(state, 'anchor "com.apple/*"\n'),
      'no anchors "com.apple/*"',
    ],
    ['a loopback that is skipped', ({ pf }) => pf.skipped.push('lo0'), 'pf skips lo0'],
  ])('%s does not cut anybody off, and is told of once', async (_what, harm, words) => {
    const { mac } = on();
    const pf = on().pf();
    await pf.apply(PLAN);
    mac.change(harm);
    await looks(3);
    expect(on().fate()).toBe('passed');
    expect(on().said).toEqual([expect.stringMatching(/^error: connections go straight out, past the proxy/)]);
    expect(on().said[0]).toContain(words);
    // The ranges may change meanwhile, and addresses too.
    await pf.update(NEXT);
    mac.change(({ interfaces }) => (interfaces['en0'] = ['8.8.4.4']));
    await pf.verify();
    expect(mac.state.pf.anchors[OURS]).toBeUndefined();
    // Somebody follows the hint.
    mac.change(reloadPfConf);
    await looks();
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().fate({ destination: at('1.2.4.8', 443) })).toBe('passed');
    expect(on().fate({ destination: at('8.8.4.4', 443) })).toBe('lost');
    expect(on().said.slice(1)).toEqual([
      'warn: put right what another program had done to pf found=our rules were flushed',
    ]);
    await pf.remove();
    expect(mac.state.pf.anchors[OURS]).toBeUndefined();
    expect(mac.state.pf.isOn).toBe(false);
  });

  test('the same is mended where that is wanted, and the cost is said', async () => {
    const { mac } = on();
    const pf = on().pf({ reloadPfConf: true });
    await pf.apply(PLAN);
    mac.change((state) => {
      replaceMainRuleset(state);
      state.pf.skipped.push('lo0');
      stop(state);
    });
    await looks();
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().said).toEqual([
      expect.stringMatching(/^warn: loading \/etc\/pf\.conf anew/),
      'warn: put right what another program had done to pf found=the main ruleset has no anchors "com.apple/*", pf skips lo0, pf was turned off',
    ]);
    await pf.remove();
  });

  test('an /etc/pf.conf that can’t be loaded does not have connections vanish', async () => {
    const { mac } = on();
    const pf = on().pf({ reloadPfConf: true });
    await pf.apply(PLAN);
    mac.change((state) => {
      state.files['/etc/pf.conf'] = 'pass from nowhere\n';
      state.pf.skipped.push('lo0');
    });
    await looks();
    expect(on().fate()).toBe('passed');
    expect(on().said.filter((line) => line.startsWith('error: '))).toEqual([
      expect.stringMatching(/^error: could not load \/etc\/pf\.conf anew .*hint=.*sudo pfctl -nf/),
      expect.stringMatching(/^error: connections go straight out/),
    ]);
    await pf.remove();
  });

  test('a program that does not give in is not fought', async () => {
    const { mac } = on();
    const pf = on().pf({ reloadPfConf: true });
    await pf.apply(PLAN);
    for (let i = 0; i < 5; i++) {
      mac.change((state) => replaceMainRuleset(state));
      await looks();
    }
    const reloads = () => mac.state.seen.calls.filter((call) => call === 'pfctl -f /etc/pf.conf').length;
    expect(reloads()).toBe(1);
    expect(on().fate()).toBe('passed');
    expect(on().said).toEqual([
      expect.stringMatching(/^warn: loading/),
      expect.stringMatching(/^warn: put right/),
      expect.stringMatching(/^error: connections go straight out.* again and again/),
    ]);
    // It gives in, and another time it comes back.
    mac.change(reloadPfConf);
    await looks();
    expect(on().fate()).toBe('127.0.0.1:1111');
    mac.change((state) => replaceMainRuleset(state));
    await looks();
    expect(reloads()).toBe(2);
    expect(on().fate()).toBe('127.0.0.1:1111');
    await pf.remove();
  });

  test('what can’t be looked at is told of once', async () => {
    const { mac } = on();
    const pf = on().pf();
    await pf.apply(PLAN);
    mac.change((state) => (state.refusal = 'pfctl: /dev/pf: Operation not permitted'));
    await looks(3);
    expect(on().said).toEqual([
      expect.stringMatching(
        /^error: could not see to the rules of pf reason=.*Operation not permitted hint=/,
      ),
    ]);
    mac.change((state) => (state.refusal = undefined));
    await looks();
    await pf.remove();
    expect(mac.state.pf.isOn).toBe(false);
  });

  test('rules that catch nothing any more are told of once', async () => {
    const { mac } = on();
    const pf = on().pf();
    await pf.apply(PLAN);
    mac.change((state) => {
      replaceMainRuleset(
        state,
        'rdr-anchor "com.apple/*"\npass out quick all no state\nanchor "com.apple/*"\n',
      );
      delete state.pf.anchors[OURS];
    });
    await looks();
    await pf.verify();
    await pf.verify();
    expect(on().said.filter((line) => line.startsWith('error: '))).toEqual([
      expect.stringMatching(
        /^error: connections go straight out, past the proxy.*before ours come other filter rules \(1\)/,
      ),
    ]);
    await pf.remove();
  });

  test('rules that have connections get lost are out, until they catch what they should', async () => {
    const { mac } = on();
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    on().proof = () => 'missed';
    mac.change(stop);
    await looks(3);
    expect(on().fate()).toBe('passed');
    const failure = 'error: connections go straight out, past the proxy, for the rules of pf catch nothing';
    expect(on().said.filter((line) => line.startsWith(failure))).toHaveLength(1);
    await pf.update(NEXT);
    expect(on().fate()).toBe('passed');
    on().proof = () => undefined;
    await looks();
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().fate({ destination: at('1.2.4.8', 443) })).toBe('passed');
    expect(on().said.at(-1)).toBe('info: the rules of pf are in force again');
    const { length } = on().proofs;
    await looks(2);
    expect(on().proofs).toHaveLength(length);
    // It is news if it comes again.
    on().proof = () => 'missed';
    mac.change(stop);
    await looks();
    expect(on().said.filter((line) => line.startsWith(failure))).toHaveLength(2);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('a Mac without a network is tried again until it has one, or a filter lets it out', async () => {
    on().proof = (family) => (family === 4 ? 'no route' : undefined);
    const pf = on().pf();
    await pf.apply(PLAN);
    await looks(2);
    expect(on().said).toEqual([
      expect.stringMatching(/^info: there is no route for IPv4, or a filter blocks/),
    ]);
    expect(on().proofs).toEqual([[4, 6], [4], [4]]);
    on().proof = () => undefined;
    await looks(3);
    expect(on().proofs).toHaveLength(4);
    expect(on().said).toHaveLength(1);
    await pf.remove();
  });

  test('a proof that came too late once counts for nothing', async () => {
    const pf = on().pf();
    const late = new Set([4, 6]);
    on().proof = (family) => (late.delete(family) ? 'missed' : undefined);
    await pf.apply(PLAN);
    expect(on().said).toEqual([]);
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().fate({ destination: at('2606:2800::1', 443) })).toBe('[::1]:1111');
    await pf.remove();
  });
});

describe('verify()', () => {
  test('does nothing before apply() and after remove(), and nor does the watchdog', async () => {
    const { mac, clock } = on();
    const pf = on().pf();
    await pf.verify();
    expect(mac.state.seen.calls).toEqual([]);
    await pf.apply(PLAN);
    // Asked for at the same time: they take turns.
    const removed = pf.remove();
    const verified = pf.verify();
    await Promise.all([removed, verified]);
    const { calls } = mac.state.seen;
    await clock.pass(3 * EVERY);
    expect(clock.waiting).toBe(0);
    expect(mac.state.seen.calls).toEqual(calls);
    expect(mac.state.pf.anchors[OURS]).toBeUndefined();
  });

  test('never runs twice at once', async () => {
    let underWay = 0;
    let most = 0;
    const runner = on().process();
    const pf = on().pf({
      runner: {
        start: (argv, options) => runner.start(argv, options),
        run: async (argv, options) => {
          if (argv.join(' ') !== 'pfctl -s info') return runner.run(argv, options);
          most = Math.max(most, ++underWay);
          const finished = await runner.run(argv, options);
          underWay--;
          return finished;
        },
      },
    });
    await pf.apply(PLAN);
    await Promise.all([pf.verify(), pf.verify(), pf.verify(), looks()]);
    expect(most).toBe(1);
    await pf.remove();
  });

  test('keeps up with the addresses of this machine', async () => {
    const pf = on().pf();
    await pf.apply(PLAN);
    const own = () => on().mac.state.pf.anchors[OURS]!.tables['snet_own'];
    expect(own()).toContain('192.168.1.5/32');
    on().mac.change(({ interfaces }) => (interfaces['en0'] = ['10.20.30.40', '2a00::7']));
    await pf.verify();
    expect(own()).toEqual(['10.20.30.40/32', '127.0.0.1/32', '2a00::7/128', '::1/128']);
    expect(on().mac.state.seen.calls).toContain(
      `pfctl -a com.apple/snet -t snet_own -T replace -f ${on().files.own}`,
    );
    await pf.remove();
  });

  test('outlives a proof that can’t be made', async () => {
    on().proof = () => {
      throw new Error('EMFILE');
    };
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(on().said).toEqual(['warn: what the rules do could not be proven reason=EMFILE']);
    on().proof = () => undefined;
    await pf.verify();
    expect(on().proofs).toEqual([
      [4, 6],
      [4, 6],
    ]);
    await pf.verify();
    expect(on().proofs).toHaveLength(2);
    await pf.remove();
  });
});
