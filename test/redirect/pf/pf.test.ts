/** Start, change and end on a fake Mac in all the states that one may be in: in the end it is as it was. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cleanPf } from '../../../src/redirect/pf/undo.ts';
import { parseState } from '../../../src/redirect/pf/state_file.ts';
import { reboot, replaceMainRuleset, STOCK_PF_CONF, turnSharingOn } from '../../lab/mac/mac_state.ts';
import { startReference } from '../../lab/mac/pf_kernel.ts';
import { failure } from '../failure.ts';
import { at, macForEach, NEXT, PLAN } from './on_mac.ts';

const on = macForEach();

const stateOf = () => parseState(readFileSync(on().files.state, 'utf8'))!;

describe('apply() and remove()', () => {
  test('redirect, and leave the Mac as it was', async () => {
    const { mac, guardians, files } = on();
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().fate({ destination: at('2606:2800::1', 443) })).toBe('[::1]:1111');
    expect(on().fate({ destination: at('10.1.1.1', 443) })).toBe('passed');
    expect(on().fate({ group: PLAN.gid })).toBe('passed');
    expect(on().fate({ protocol: 'udp', destination: at('192.168.1.1', 53) })).toBe('127.0.0.1:1053');
    const { pf: kernel, sysctls } = mac.state;
    expect(kernel.isOn).toBe(true);
    expect(sysctls['net.inet.tcp.tso']).toBe('0');
    expect(stateOf()).toEqual({
      owner: process.pid,
      boot: mac.state.boot.uuid,
      token: kernel.references[0]!.token,
      before: undefined,
      segmentation: 1,
    });
    expect(guardians.ends).toEqual([undefined]);

    await pf.remove();
    expect(mac.held()).toEqual(before);
    expect(readdirSync(files.folder)).toEqual([]);
    expect(guardians.ends).toEqual(['dismissed']);
    await pf.remove();
    expect(guardians.ends).toEqual(['dismissed']);
    expect(on().said).toEqual([]);
  });

  test('have what is owed in the file before it is', async () => {
    const seen: string[] = [];
    const note = () => {
      const { token, before, segmentation } = stateOf();
      seen.push(`${token ? 'token' : before ? 'no token yet' : '-'} ${segmentation ?? '-'}`);
    };
    const runner = on().process();
    const pf = on().pf({
      runner: {
        start: (argv, options) => runner.start(argv, options),
        run: (argv, options) => {
          const command = argv.join(' ');
          if (/ -f -$| -E$|tso=/.test(command)) note();
          return runner.run(argv, options);
        },
      },
    });
    await pf.apply(PLAN);
    // Before the rules, before the token, before the sysctl.
    expect(seen).toEqual(['- -', 'no token yet -', 'token 1']);
    await pf.remove();
  });

  test('do so where pf is on for others already', async () => {
    const { mac } = on();
    mac.change((state) => startReference(state, 77, 'pfctl'));
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(mac.state.pf.references).toHaveLength(2);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('do so with Internet Sharing on, and say what that means', async () => {
    const { mac } = on();
    mac.change(turnSharingOn);
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(on().fate()).toBe('127.0.0.1:1111');
    expect(on().said).toEqual([
      'info: Internet Sharing or a network of virtual machines is on: what comes from there is not redirected',
    ]);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('leave the sysctl alone that was 0 before', async () => {
    const { mac } = on();
    mac.change(({ sysctls }) => (sysctls['net.inet.tcp.tso'] = '0'));
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(stateOf().segmentation).toBeUndefined();
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('do without the sysctl where there is none', async () => {
    const { mac } = on();
    mac.change(({ sysctls }) => delete sysctls['net.inet.tcp.tso']);
    const before = mac.held();
    const pf = on().pf();
    await pf.apply(PLAN);
    expect(on().said).toEqual([
      expect.stringContaining('warn: net.inet.tcp.tso could not be set to 0: uploads may be slow'),
    ]);
    await pf.verify();
    await pf.remove();
    expect(mac.held()).toEqual(before);
    expect(on().said).toHaveLength(1);
  });

  test('speak of no IPv6 where there is none', async () => {
    const pf = on().pf();
    await pf.apply({ ...PLAN, ipv6: false });
    expect(on().mac.state.pf.anchors['com.apple/snet']!.text).not.toContain('inet6');
    expect(on().proofs).toEqual([[4]]);
    await pf.remove();
  });
});

describe('update()', () => {
  test('replaces the bypassed ranges, and them only', async () => {
    const pf = on().pf();
    await pf.apply(PLAN);
    const { text } = on().mac.state.pf.anchors['com.apple/snet']!;
    await pf.update(NEXT);
    const { pf: kernel, seen } = on().mac.state;
    expect(kernel.anchors['com.apple/snet']!.text).toBe(text);
    expect(seen.calls.at(-1)).toBe(
      `pfctl -a com.apple/snet -t snet_bypass -T replace -f ${on().files.bypass}`,
    );
    expect(on().fate({ destination: at('10.1.1.1', 443) })).toBe('127.0.0.1:1111');
    expect(on().fate({ destination: at('1.2.4.8', 443) })).toBe('passed');
    expect(on().fate({ destination: at('192.0.2.254', 9) })).toBe('127.0.0.1:1111');
    // What is loaded anew has them too.
    on().mac.change((state) => delete state.pf.anchors['com.apple/snet']);
    await pf.verify();
    expect(on().fate({ destination: at('1.2.4.8', 443) })).toBe('passed');
    await pf.remove();
  });

  test('keeps to its plan', async () => {
    const pf = on().pf();
    expect(() => pf.update(PLAN)).toThrow('update without apply');
    await pf.apply(PLAN);
    expect(() => pf.update({ ...PLAN, port: 2222 })).toThrow('update changes ranges only, not port');
    await pf.remove();
    expect(() => pf.update(PLAN)).toThrow('update without apply');
  });
});

describe('what an earlier run has left', () => {
  test('is taken out, and said', async () => {
    const { mac } = on();
    const before = mac.held();
    await on().pf().apply(PLAN);
    const pf = on().pf();
    await pf.apply(NEXT);
    expect(on().said).toEqual([
      'warn: removed what an earlier run had left removed=the pf rules and tables of com.apple/snet, the reference that kept pf on, the sysctl net.inet.tcp.tso=0',
    ]);
    expect(mac.state.pf.references).toHaveLength(1);
    await pf.remove();
    expect(mac.held()).toEqual(before);
  });

  test('is void after a boot', async () => {
    const { mac } = on();
    await on().pf().apply(PLAN);
    mac.change(reboot);
    // Somebody else's by chance, and somebody else's will.
    mac.change((state) => {
      state.pf.references.push({ token: stateOf().token!, pid: 7, program: 'pfctl' });
      state.pf.isOn = true;
      state.sysctls['net.inet.tcp.tso'] = '0';
    });
    const before = mac.held();
    expect(await cleanPf(on().process(), on().files)).toEqual([]);
    expect(mac.held()).toEqual(before);
    expect(existsSync(on().files.state)).toBe(false);
  });

  test('is not touched while its process runs', async () => {
    const { mac, files } = on();
    await on().pf().apply(PLAN);
    const other = 99_999_999;
    const text = readFileSync(files.state, 'utf8').replace(`"owner": ${process.pid}`, `"owner": ${other}`);
    await Bun.write(files.state, text);
    mac.change(({ processes }) => {
      processes[process.pid] = '/usr/local/bin/snet';
      processes[other] = '/opt/snet';
    });
    const before = mac.held();
    const held = {
      status: 'ERR_REDIRECT_HELD',
      message: `the pf rules are those of process ${other}, which runs`,
      hint: `end that process first: sudo kill ${other}`,
    };
    expect(await failure(cleanPf(on().process(), files))).toMatchObject(held);
    expect(await failure(on().pf().apply(NEXT))).toMatchObject(held);
    expect(mac.held()).toEqual(before);
    expect(readFileSync(files.state, 'utf8')).toBe(text);
    // Another program has its pid by now.
    mac.change(({ processes }) => (processes[other] = '/bin/zsh'));
    expect(await cleanPf(on().process(), files)).toHaveLength(3);
  });

  test('may be a file of no use, and rules that nobody knows of', async () => {
    const { mac, files } = on();
    const before = mac.held();
    await on().pf().apply(PLAN);
    const { references } = mac.state.pf;
    await Bun.write(files.state, '{"version":1,"own');
    expect(await cleanPf(on().process(), files)).toEqual([
      'the pf rules and tables of com.apple/snet',
      `${files.state}, of no use: it is damaged, or of another version of snet`,
    ]);
    // What only the file told: the token and the sysctl.
    mac.change((state) => {
      expect(state.pf.references).toEqual(references);
      state.pf.references = [];
      state.pf.isOn = false;
      state.sysctls['net.inet.tcp.tso'] = '1';
    });
    expect(mac.held()).toEqual(before);
    expect(await cleanPf(on().process(), files)).toEqual([]);
  });
});

describe('refuses', () => {
  /** @returns what is said; nothing has changed */
  async function refusal(more: Parameters<ReturnType<typeof on>['pf']>[0] = {}) {
    const { mac, guardians, files } = on();
    const before = mac.held();
    const error = await failure(on().pf(more).apply(PLAN));
    expect(mac.held()).toEqual(before);
    expect(guardians.ends.every((end) => end === 'dismissed')).toBe(true);
    expect(existsSync(files.state)).toBe(false);
    return error;
  }

  test('to work without root', async () => {
    on().mac.change((state) => (state.isRoot = false));
    expect(await refusal()).toMatchObject({
      status: 'ERR_REDIRECT_PERMISSION',
      message: expect.stringContaining('pfctl: /dev/pf: Permission denied'),
    });
  });

  test('to work where the system forbids pf', async () => {
    on().mac.change((state) => (state.refusal = 'pfctl: /dev/pf: Operation not permitted'));
    expect(await refusal()).toMatchObject({
      status: 'ERR_REDIRECT_PERMISSION',
      hint: expect.stringContaining('organisation that manages this Mac'),
    });
  });

  test('an old macOS', async () => {
    on().mac.change((state) => (state.version = '12.7.6'));
    expect(await refusal({ reloadPfConf: true })).toMatchObject({
      status: 'ERR_REDIRECT_UNSUPPORTED',
      message: 'this is macOS 12.7.6; the oldest that snet supports is macOS 13',
    });
  });

  test('a main ruleset that does not ask us', async () => {
    on().mac.change((state) => replaceMainRuleset(state));
    expect(await refusal()).toMatchObject({
      status: 'ERR_REDIRECT_INEFFECTIVE',
      hint: expect.stringContaining('sudo pfctl -f /etc/pf.conf'),
    });
  });

  test('a loopback that is skipped', async () => {
    on().mac.change(({ pf }) => pf.skipped.push('lo0'));
    expect(await refusal()).toMatchObject({
      status: 'ERR_REDIRECT_INEFFECTIVE',
      message: expect.stringContaining('pf skips lo0'),
    });
  });

  test('rules that catch nothing, and says what stands out', async () => {
    const first = 'pass out quick all no state\n';
    on().mac.change((state) =>
      replaceMainRuleset(state, `rdr-anchor "com.apple/*"\n${first}anchor "com.apple/*"\n`),
    );
    const error = await refusal();
    expect(error).toMatchObject({
      status: 'ERR_REDIRECT_INEFFECTIVE',
      message:
        'the rules are in pf, but a connection that they should have caught did not come to us: macOS 15.6.1, pf is on, before ours come other filter rules (1), the first being pass out quick all no state',
      hint: expect.stringContaining('VPN'),
    });
    expect(on().guardians.ends).toEqual(['dismissed']);
  });

  test('to go without a guardian', async () => {
    on().guardians.greeting = 'help\n';
    const before = on().mac.held();
    expect(await failure(on().pf().apply(PLAN))).toMatchObject({
      message: 'the guardian did not get ready: it was not well',
    });
    expect(on().mac.held()).toEqual(before);
  });
});

test('says that it is /etc/pf.conf itself, where that has been loaded anew and nothing is better', async () => {
  const { mac } = on();
  mac.change((state) => {
    state.files['/etc/pf.conf'] = `set skip on lo0\n${STOCK_PF_CONF}`;
    state.pf.skipped.push('lo0');
  });
  expect(await failure(on().pf().apply(PLAN))).toMatchObject({
    hint: expect.stringMatching(/reload-pf-conf.* \/etc\/pf\.conf itself says so \(set skip on lo0\)/),
  });
  expect(await failure(on().pf({ reloadPfConf: true }).apply(PLAN))).toMatchObject({
    status: 'ERR_REDIRECT_INEFFECTIVE',
    message: expect.stringContaining('pf skips lo0'),
    hint: expect.stringMatching(/^\/etc\/pf\.conf itself says so, which is loaded already/),
  });
});

test('only if asked for is /etc/pf.conf loaded anew, and what that costs is said', async () => {
  const { mac } = on();
  mac.change((state) => {
    replaceMainRuleset(state);
    state.pf.skipped.push('lo0');
  });
  const pf = on().pf({ reloadPfConf: true });
  await pf.apply(PLAN);
  expect(on().fate()).toBe('127.0.0.1:1111');
  expect(on().said).toEqual([expect.stringMatching(/^warn: loading \/etc\/pf\.conf anew.*are lost.*lo0/)]);
  await pf.remove();
  expect(mac.state.pf.isOn).toBe(false);
});
