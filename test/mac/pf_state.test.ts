/** What pfctl printed on Macs (macos-15 and -26 of public reports), read and compared. */
import { describe, expect, test } from 'bun:test';
import { differences, readPfState, renderPfState, SECTIONS, type PfState } from './pf_state.ts';

const AT_REST: Readonly<Record<string, string>> = {
  'pfctl -s info':
    'Status: Disabled                                Debug: Urgent\n\nState Table                          Total             Rate\n  current entries                        0\n',
  'pfctl -s nat': 'nat-anchor "com.apple/*" all\nrdr-anchor "com.apple/*" all\n',
  'pfctl -s rules': 'scrub-anchor "com.apple/*" all fragment reassemble\nanchor "com.apple/*" all\n',
  'pfctl -v -s Anchors': '  com.apple\n  com.apple/200.AirDrop\n  com.apple/250.ApplicationFirewall\n',
  'pfctl -a com.apple/snet -s nat': '',
  'pfctl -a com.apple/snet -s rules': '',
  'pfctl -a com.apple/snet -s Tables': '',
  'pfctl -s References': 'No pf starter references held\n',
  'pfctl -v -s Interfaces -i lo0': 'lo0\n\tCleared:     Mon Nov 23 12:00:00 2026\n',
  'sysctl -n net.inet.tcp.tso': '1\n',
  'shasum -a 256 /etc/pf.conf': '0f5e  /etc/pf.conf\n',
  'ls -A /var/run/snet': 'run.lock\n',
};

const stateOf = (said: Readonly<Record<string, string>> = {}): Promise<PfState> =>
  readPfState((argv) => {
    const command = argv.join(' ');
    const text = { ...AT_REST, ...said }[command];
    if (text === undefined) throw new Error(`not asked for: ${command}`);
    return Promise.resolve(text);
  });

test('two looks at a Mac at rest are equal, whatever has been counted meanwhile', async () => {
  const later = {
    'pfctl -s info':
      'Status: Disabled                                Debug: Urgent\n\nState Table                          Total             Rate\n  current entries                        7\n',
    'pfctl -v -s Anchors': '  com.apple\n  com.apple/250.ApplicationFirewall\n  com.apple/200.AirDrop\n',
    'pfctl -v -s Interfaces -i lo0': 'lo0\n\tCleared:     Mon Nov 23 12:34:56 2026\n',
  };
  expect(differences(await stateOf(), await stateOf(later))).toEqual([]);
});

test('the age of who wants pf on is no difference, the token is', async () => {
  const holding = (token: string, age: string) => ({
    'pfctl -s References': `TOKENS:\nPID      Process Name                 TOKEN                    TIMESTAMP\n4063     pfctl                        ${token}     0 days ${age}\n`,
  });
  const before = await stateOf(holding('15053025338191571182', '00:00:00'));
  expect(differences(before, await stateOf(holding('15053025338191571182', '01:02:03')))).toEqual([]);
  expect(differences(before, await stateOf(holding('15053025338191571183', '00:00:00')))).toEqual([
    '- who wants pf on: pfctl 15053025338191571182',
    '+ who wants pf on: pfctl 15053025338191571183',
  ]);
});

describe('what is left behind is found', () => {
  test.each([
    [
      'pf on',
      { 'pfctl -s info': 'Status: Enabled for 0 days 00:00:09   Debug: Urgent\n' },
      ['- pf: disabled', '+ pf: enabled'],
    ],
    [
      'a rule',
      { 'pfctl -a com.apple/snet -s rules': 'pass out quick proto tcp all group = 65526\n' },
      ['+ our filter rules: pass out quick proto tcp all group = 65526'],
    ],
    [
      'an empty anchor',
      { 'pfctl -v -s Anchors': `${AT_REST['pfctl -v -s Anchors']}  com.apple/snet\n` },
      ['+ anchors:   com.apple/snet'],
    ],
    ['a table', { 'pfctl -a com.apple/snet -s Tables': 'snet_bypass\n' }, ['+ our tables: snet_bypass']],
    [
      'no offload',
      { 'sysctl -n net.inet.tcp.tso': '0\n' },
      ['- segmentation offload: 1', '+ segmentation offload: 0'],
    ],
    [
      'lo0 skipped',
      { 'pfctl -v -s Interfaces -i lo0': 'lo0 (skip)\n' },
      ['- lo0: looked at', '+ lo0: skipped'],
    ],
    ['a file', { 'ls -A /var/run/snet': 'pf.json\nrun.lock\nrun.sock\n' }, ['+ /var/run/snet: pf.json']],
    [
      'another pf.conf',
      { 'shasum -a 256 /etc/pf.conf': 'aa  /etc/pf.conf\n' },
      ['- /etc/pf.conf: 0f5e  /etc/pf.conf', '+ /etc/pf.conf: aa  /etc/pf.conf'],
    ],
    [
      'rules in another order',
      { 'pfctl -s nat': 'rdr-anchor "com.apple/*" all\nnat-anchor "com.apple/*" all\n' },
      ['± main translation rules: the same lines in another order'],
    ],
    [
      'a rule twice',
      { 'pfctl -s rules': `${AT_REST['pfctl -s rules']}anchor "com.apple/*" all\n` },
      ['+ main filter rules: anchor "com.apple/*" all'],
    ],
  ])('%s', async (_, said, expected) => {
    expect(differences(await stateOf(), await stateOf(said))).toEqual(expected);
  });
});

test('the state is written with every section', async () => {
  const text = renderPfState(await stateOf());
  expect(SECTIONS.filter(({ name }) => !text.includes(`== ${name}\n`))).toEqual([]);
  expect(text).toStartWith('== pf\ndisabled\n== main translation rules\nnat-anchor');
});
