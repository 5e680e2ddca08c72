/** The Mac of the tests does and says what macOS does and says. */
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { parseAddress } from '../../../src/net/address.ts';
import {
  ENABLED,
  INFO_DISABLED,
  INFO_ENABLED,
  LOAD_NOTICES,
  NO_REFERENCES,
  NOTICES,
  SHARING_FILTER,
  SHARING_TRANSLATION,
  STALE_WHILE_OFF,
  STALE_WHILE_ON,
  STOCK_FILTER,
  STOCK_TRANSLATION,
  TWO_REFERENCES,
} from '../../redirect/pf/recorded.ts';
import { FakeMac, type Fault } from './fake_mac.ts';
import { reboot, replaceMainRuleset, turnSharingOn } from './mac_state.ts';
import { fateOf } from './pf_kernel.ts';
import type { Packet } from './pf_evaluate.ts';
import { printFilter, printTranslation } from './pf_print.ts';
import { readRuleset } from './pf_reader.ts';

const ANCHOR = ['-a', 'com.apple/ours'];
const RULES = `\
table <b> persist { 10.0.0.0/8 192.0.2.1 !10.1.0.0/16 }
no rdr on lo0 inet proto tcp from any to <b>
rdr pass on lo0 inet proto tcp from any to any -> 127.0.0.1 port 1111
rdr pass on lo0 inet6 proto udp from any to any port 53 -> ::1 port 1053
pass out quick proto { tcp udp } from any to any group 4242
pass out quick proto tcp from any to <b> flags any no state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp from any to any flags S/SA keep state
block return out quick on ! lo0 inet6 proto udp from any to ! fe80::/10 port 53
`;

const token = (stderr: string): string => /Token : (\d+)/.exec(stderr)![1]!;
const run = (mac: FakeMac, ...argv: readonly string[]) => mac.process().run(argv);
const pfctl = (mac: FakeMac, ...args: readonly string[]) => run(mac, 'pfctl', ...args);
const load = (mac: FakeMac, text: string, ...where: readonly string[]) =>
  mac.process().run(['pfctl', ...where, '-f', '-'], { stdin: text });

describe('pf', () => {
  test('is on as long as somebody holds a reference', async () => {
    using mac = FakeMac.create();
    const before = mac.held();
    expect((await pfctl(mac, '-s', 'info')).stdout).toStartWith(INFO_DISABLED);
    expect(await pfctl(mac, '-s', 'References')).toEqual({ code: 0, stdout: NO_REFERENCES, stderr: NOTICES });
    const first = await pfctl(mac, '-E');
    expect(first).toEqual({ code: 0, stdout: '', stderr: NOTICES + ENABLED });
    const second = await pfctl(mac, '-E');
    expect(token(second.stderr)).not.toBe(token(first.stderr));
    expect((await pfctl(mac, '-s', 'info')).stdout).toStartWith(INFO_ENABLED);
    expect(await pfctl(mac, '-X', token(first.stderr))).toMatchObject({
      code: 0,
      stderr: `${NOTICES}disable request successful. 1 more pf enable reference(s) remaining, pf still enabled.\n`,
    });
    expect(await pfctl(mac, '-X', token(first.stderr))).toMatchObject({
      code: 1,
      stderr: NOTICES + STALE_WHILE_ON,
    });
    expect(await pfctl(mac, '-X', token(second.stderr))).toMatchObject({
      code: 0,
      stderr: `${NOTICES}pf disabled\n`,
    });
    expect(await pfctl(mac, '-X', token(second.stderr))).toMatchObject({
      code: 1,
      stderr: NOTICES + STALE_WHILE_OFF,
    });
    expect(mac.held()).toEqual(before);
  });

  test('lists who does', async () => {
    using mac = FakeMac.create(({ pf }) => {
      pf.references = [
        { token: '15053025338191571182', pid: 4063, program: 'pfctl' },
        { token: '9084387343160548126', pid: 4077, program: 'pfctl' },
      ];
    });
    const { stdout } = await pfctl(mac, '-s', 'References');
    expect(stdout).toBe(TWO_REFERENCES.replace('1 days 00:01:06', '0 days 00:00:00'));
  });

  test('goes off for everybody by -d, and all tokens are void', async () => {
    using mac = FakeMac.create();
    const { stderr } = await pfctl(mac, '-E');
    expect(await pfctl(mac, '-e')).toMatchObject({
      code: 1,
      stderr: `${NOTICES}pfctl: pf already enabled\n`,
    });
    expect((await pfctl(mac, '-d')).code).toBe(0);
    expect((await pfctl(mac, '-X', token(stderr))).stderr).toBe(NOTICES + STALE_WHILE_OFF);
    expect((await pfctl(mac, '-e')).code).toBe(0);
    expect((await pfctl(mac, '-X', token(stderr))).stderr).toBe(NOTICES + STALE_WHILE_ON);
    expect(await pfctl(mac, '-d')).toMatchObject({ code: 0 });
    expect(await pfctl(mac, '-d')).toMatchObject({ code: 1, stderr: NOTICES + STALE_WHILE_OFF });
  });

  test('has the rules of the system', async () => {
    using mac = FakeMac.create();
    expect((await pfctl(mac, '-sn')).stdout).toBe(STOCK_TRANSLATION);
    expect((await pfctl(mac, '-sr')).stdout).toBe(STOCK_FILTER);
    expect((await pfctl(mac, '-s', 'Anchors')).stdout).toBe('  com.apple\n');
    expect((await pfctl(mac, '-a', 'com.apple', '-sr')).stdout).toBe(
      'anchor "200.AirDrop/*" all\nanchor "250.ApplicationFirewall/*" all\n',
    );
    mac.change(turnSharingOn);
    expect((await pfctl(mac, '-sn')).stdout).toBe(SHARING_TRANSLATION);
    expect((await pfctl(mac, '-sr')).stdout).toBe(SHARING_FILTER);
    expect((await pfctl(mac, '-s', 'info')).stdout).toStartWith(INFO_ENABLED);
    expect(await pfctl(mac, '-f', '/etc/pf.conf')).toEqual({ code: 0, stdout: '', stderr: LOAD_NOTICES });
    expect((await pfctl(mac, '-sn')).stdout).toBe(STOCK_TRANSLATION);
  });

  test('loads an anchor, prints it with its lists expanded, and empties it', async () => {
    using mac = FakeMac.create();
    const before = mac.held();
    expect(await pfctl(mac, ...ANCHOR, '-sr')).toEqual({
      code: 0,
      stdout: '',
      stderr: `${NOTICES}pfctl: DIOCGETRULES: Invalid argument\n`,
    });
    expect(await load(mac, RULES, ...ANCHOR)).toEqual({ code: 0, stdout: '', stderr: NOTICES });
    expect((await pfctl(mac, ...ANCHOR, '-sn')).stdout).toBe(`\
no rdr on lo0 inet proto tcp from any to <b>
rdr pass on lo0 inet proto tcp all -> 127.0.0.1 port 1111
rdr pass on lo0 inet6 proto udp from any to any port = 53 -> ::1 port 1053
`);
    expect((await pfctl(mac, ...ANCHOR, '-sr')).stdout).toBe(`\
pass out quick proto tcp all group = 4242 flags S/SA keep state
pass out quick proto udp all group = 4242 keep state
pass out quick proto tcp from any to <b> no state
pass out quick on ! lo0 route-to (lo0 127.0.0.1) inet proto tcp all flags S/SA keep state
block return out quick on ! lo0 inet6 proto udp from any to ! fe80::/10 port = 53
`);
    const printed = (await pfctl(mac, ...ANCHOR, '-sn')).stdout + (await pfctl(mac, ...ANCHOR, '-sr')).stdout;
    const again = readRuleset(printed, { tables: ['b'] });
    expect(printTranslation(again) + printFilter(again)).toBe(printed);
    expect((await pfctl(mac, '-s', 'Anchors', '-a', 'com.apple')).stdout).toBe('  com.apple/ours\n');
    expect(await pfctl(mac, ...ANCHOR, '-F', 'all')).toMatchObject({
      code: 0,
      stderr: `${NOTICES}rules cleared\nnat cleared\ndummynet cleared\n1 tables deleted.\n`,
    });
    expect(mac.held()).toEqual(before);
  });

  test('refuses a file for one bad line, and keeps what it had', async () => {
    using mac = FakeMac.create();
    await load(mac, RULES, ...ANCHOR);
    const before = mac.held();
    expect(await load(mac, `${RULES}pass out sometimes\n`, ...ANCHOR)).toMatchObject({
      code: 1,
      stderr: `${NOTICES}stdin:9: syntax error\npfctl: Syntax error in config file: pf rules not loaded\n`,
    });
    expect((await load(mac, 'table <t> file "/missing"\n', ...ANCHOR)).stderr).toContain(
      'stdin:1: cannot load "/missing": No such file or directory\n',
    );
    expect((await pfctl(mac, ...ANCHOR, '-f', '/missing')).stderr).toBe(
      `${NOTICES}pfctl: /missing: No such file or directory\n`,
    );
    expect(mac.held()).toEqual(before);
  });

  test('changes tables', async () => {
    using mac = FakeMac.create();
    const table = (...args: readonly string[]) => pfctl(mac, ...ANCHOR, '-t', 'b', '-T', ...args);
    expect(await table('show')).toMatchObject({
      code: 255,
      stderr: `${NOTICES}pfctl: Table does not exist.\n`,
    });
    await load(mac, RULES, ...ANCHOR);
    expect((await table('show')).stdout).toBe('   !10.1.0.0/16\n   10.0.0.0/8\n   192.0.2.1\n');
    const file = `${mac.path}.table`;
    writeFileSync(file, '10.0.0.0/8\n2001:db8::/32\n');
    expect(await table('replace', '-f', file)).toMatchObject({
      code: 0,
      stderr: `${NOTICES}1 addresses added, 2 addresses deleted.\n`,
    });
    expect((await table('replace', '-f', file)).stderr).toBe(`${NOTICES}no changes.\n`);
    expect((await table('add', '192.0.2.7')).stderr).toBe(`${NOTICES}1 addresses added.\n`);
    expect((await table('delete', '192.0.2.7')).stderr).toBe(`${NOTICES}1 addresses deleted.\n`);
    expect(await table('test', '10.1.2.3')).toMatchObject({ code: 0 });
    expect(await table('test', '11.1.2.3')).toMatchObject({ code: 2 });
    writeFileSync(file, '10.0.0.0/8\nexample.com\n');
    const before = mac.held();
    expect(await table('replace', '-f', file)).toMatchObject({
      code: 255,
      stderr: `${NOTICES}pfctl: cannot load ${file}: Invalid argument\n`,
    });
    expect(mac.held()).toEqual(before);
  });

  test('has room for 200,000 addresses', async () => {
    using mac = FakeMac.create();
    await load(mac, RULES, ...ANCHOR);
    const file = `${mac.path}.table`;
    const many = Array.from({ length: 200_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    writeFileSync(file, `${many.join('\n')}\n`);
    expect((await pfctl(mac, ...ANCHOR, '-t', 'b', '-T', 'replace', '-f', file)).code).toBe(0);
    writeFileSync(file, `${many.join('\n')}\n11.0.0.0\n`);
    const { code, stderr } = await pfctl(mac, ...ANCHOR, '-t', 'b', '-T', 'replace', '-f', file);
    expect([code, stderr]).toEqual([1, `${NOTICES}pfctl: Cannot allocate memory\n`]);
  });

  test('forgets a skipped interface with the next load of the main ruleset', async () => {
    using mac = FakeMac.create(({ pf }) => void pf.skipped.push('lo0'));
    expect((await pfctl(mac, '-s', 'Interfaces', '-i', 'lo0', '-v')).stdout).toStartWith(
      'lo0 (skip)\n\tCleared: ',
    );
    await load(mac, RULES, ...ANCHOR);
    expect(mac.state.pf.skipped).toEqual(['lo0']);
    await pfctl(mac, '-f', '/etc/pf.conf');
    expect((await pfctl(mac, '-s', 'Interfaces', '-i', 'lo0', '-v')).stdout).toStartWith('lo0\n\tCleared: ');
    expect((await pfctl(mac, '-a', 'com.apple/ours', '-sn')).stdout).not.toBe('');
    await load(mac, 'set skip on lo0\npass all\n');
    expect(mac.state.pf.skipped).toEqual(['lo0']);
  });

  test('refuses who is not root, or whom it does not want', async () => {
    using mac = FakeMac.create((state) => void (state.isRoot = false));
    const denied = { code: 1, stdout: '', stderr: 'pfctl: /dev/pf: Permission denied\n' };
    expect(await pfctl(mac, '-s', 'info')).toEqual(denied);
    expect(await run(mac, 'sysctl', 'net.inet.tcp.tso=0')).toMatchObject({
      code: 1,
      stderr: 'sysctl: net.inet.tcp.tso: Operation not permitted\n',
    });
    mac.change((state) => {
      state.isRoot = true;
      state.refusal = 'pfctl: /dev/pf: Operation not permitted';
    });
    expect((await pfctl(mac, '-E')).stderr).toBe('pfctl: /dev/pf: Operation not permitted\n');
  });

  test('decides about packets by what is loaded, and only if it is on', async () => {
    using mac = FakeMac.create();
    const packet: Packet = {
      protocol: 'tcp',
      source: { address: parseAddress('192.168.1.5')!, port: 50000 },
      destination: { address: parseAddress('193.0.6.139')!, port: 443 },
      interface: 'en0',
      user: 501,
      group: 20,
    };
    await load(mac, RULES, ...ANCHOR);
    expect(fateOf(mac.state, packet).what).toBe('passed');
    await pfctl(mac, '-E');
    expect(fateOf(mac.state, packet).what).toBe('redirected');
    await run(mac, 'pfctl', ...ANCHOR, '-t', 'b', '-T', 'add', '193.0.0.0/16');
    expect(fateOf(mac.state, packet).what).toBe('passed');
    mac.change((state) => replaceMainRuleset(state));
    expect(fateOf(mac.state, { ...packet, group: 4242 }).what).toBe('passed');
  });
});

describe('the Mac', () => {
  test('tells of itself', async () => {
    using mac = FakeMac.create();
    const said = async (...argv: readonly string[]) => (await run(mac, ...argv)).stdout;
    expect(await said('sw_vers', '-productVersion')).toBe('15.6.1\n');
    expect(await said('sysctl', '-n', 'net.inet.tcp.tso')).toBe('1\n');
    expect(await said('sysctl', 'net.inet.tcp.tso=0')).toBe('net.inet.tcp.tso: 1 -> 0\n');
    expect(await said('sysctl', '-n', 'net.inet.tcp.tso')).toBe('0\n');
    expect(await said('sysctl', '-n', 'kern.boottime')).toStartWith('{ sec = 1764000000, usec = ');
    expect(await said('/usr/sbin/scutil', '--dns')).toContain('\n  nameserver[0] : 192.168.1.1\n');
    expect(await said('route', '-n', 'get', 'default')).toContain('\n    gateway: 192.168.1.1\n');
    expect(await said('ipconfig', 'getoption', 'en0', 'domain_name_server')).toBe('192.168.1.1\n');
    expect(await said('ps', '-o', 'comm=', '-p', String(process.pid))).toBe(`${process.execPath}\n`);
    expect(await run(mac, 'ps', '-o', 'comm=', '-p', '4194304')).toMatchObject({ code: 1, stdout: '' });
    expect(await run(mac, 'sysctl', '-n', 'kern.nothing')).toMatchObject({
      code: 1,
      stderr: "sysctl: unknown oid 'kern.nothing'\n",
    });
    await said('dscacheutil', '-flushcache');
    await said('killall', '-HUP', 'mDNSResponder');
    expect(mac.state.seen.cacheFlushes).toBe(2);
  });

  test('starts anew after a boot', async () => {
    using mac = FakeMac.create();
    const uuid = async () => (await run(mac, 'sysctl', '-n', 'kern.bootsessionuuid')).stdout;
    const first = await uuid();
    const { stderr } = await pfctl(mac, '-E');
    await load(mac, RULES, ...ANCHOR);
    mac.change(reboot);
    expect(await uuid()).not.toBe(first);
    expect(mac.state.pf.anchors).not.toHaveProperty('com.apple/ours');
    expect((await pfctl(mac, '-X', token(stderr))).stderr).toBe(NOTICES + STALE_WHILE_OFF);
  });

  test('is one for all processes, and each call is whole', async () => {
    using mac = FakeMac.create();
    const processes = Array.from({ length: 20 }, () => mac.process());
    const said = await Promise.all(processes.map((one) => one.run(['pfctl', '-E'])));
    const tokens = said.map(({ stderr }) => token(stderr));
    expect(new Set(tokens).size).toBe(20);
    expect(new Set(mac.state.pf.references.map(({ token }) => token))).toEqual(new Set(tokens));
  });
});

describe('a process', () => {
  test.each([
    ['failed', false, 'code 1'],
    ['lost', true, 'code 137'],
    ['timed out', true, 'ERR_RUN_TIMEOUT'],
    ['missing', false, 'ERR_RUN_MISSING'],
    ['dies before', false, 'died'],
    ['dies after', true, 'died'],
  ] as const)('whose second call is %s', async (fault: Fault, hasEffect, outcome) => {
    using mac = FakeMac.create();
    const process = mac.process({ fault: ({ number }) => (number === 2 ? fault : undefined) });
    await process.run(['pfctl', '-s', 'info']);
    const found = await Promise.race([
      process.run(['pfctl', '-E']).then(
        ({ code }) => `code ${code}`,
        (error: unknown) => (error as { readonly status: string }).status,
      ),
      process.died.then(() => 'died'),
    ]);
    expect(found).toBe(outcome);
    expect(mac.state.pf.isOn).toBe(hasEffect);
    expect(process.calls).toBe(2);
  });
});
