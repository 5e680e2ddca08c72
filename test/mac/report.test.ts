/** The report of a run on a Mac, and that a run goes on after a step that failed. */
import { describe, expect, test } from 'bun:test';
import { interfaceIn, roadOfIpv6 } from './ipv6_road.ts';
import { inFolder, lastOf, runToEnd, startBeside, within } from './program.ts';
import { annotations, factsOfLog, renderReport } from './report.ts';
import { NotHere, runSteps, type Outcome } from './steps.ts';
import { folderForEach } from '../lab/folder.ts';

const OUTCOMES: readonly Outcome[] = [
  { name: 'snet starts', result: 'ok', detail: 'after 80 ms', ms: 81 },
  { name: 'IPv6, through it', result: 'FAILED', detail: 'curl 7: a|b\n100% <lost>', ms: 5 },
  { name: 'pf is on', result: 'skipped', detail: '', ms: 0 },
];

test('a run goes on after each failing step, and tells of each at once', async () => {
  const told: string[] = [];
  const outcomes = await runSteps(
    [
      { name: 'a', run: () => Promise.resolve('fine') },
      { name: 'b', run: () => Promise.reject(new Error('broken')) },
      {
        name: 'c',
        run: () => {
          throw new NotHere('no IPv6');
        },
      },
      { name: 'd', run: () => Promise.resolve(told.join()) },
    ],
    ({ name, result }) => void told.push(`${name} ${result}`),
  );
  expect(outcomes.map(({ name, result, detail }) => [name, result, detail])).toEqual([
    ['a', 'ok', 'fine'],
    ['b', 'FAILED', 'broken'],
    ['c', 'skipped', 'no IPv6'],
    ['d', 'ok', 'a ok,b FAILED,c skipped'],
  ]);
});

describe('the report', () => {
  test('is a page', () => {
    expect(renderReport('macos-15', [['machine', 'arm64']], OUTCOMES)).toBe(
      `## macos-15: 1 ok, 1 failed, 1 skipped

| fact | |
|---|---|
| machine | arm64 |

| result | step | ms | |
|---|---|---|---|
| ok | snet starts | 81 | after 80 ms |
| FAILED | IPv6, through it | 5 | curl 7: a\\|b<br>100% &lt;lost> |
| skipped | pf is on | 0 |  |
`,
    );
  });

  test('annotates what failed, and nothing of it ends the command', () => {
    expect(annotations('macos-15', OUTCOMES)).toEqual([
      '::error title=macos-15%3A IPv6%2C through it::curl 7: a|b%0A100%25 <lost>',
    ]);
  });

  test('has what snet says of the ways it has chosen', () => {
    const log = `2026-11-23T07:36:02.809Z info  original destinations are asked of pf by=ioctl why="the pointer is third and ninth"
2026-11-23T07:36:02.810Z warn  IPv6 connections are refused reason="no route"
2026-11-23T07:36:02.867Z info  redirecting mechanism=pf why="this is macOS" limit=9072
`;
    expect(factsOfLog(log)).toEqual([
      [
        'original destinations',
        'original destinations are asked of pf by=ioctl why="the pointer is third and ninth"',
      ],
      ['pf as it was found', 'not said'],
      ['proofs', 'not said'],
      ['mechanism', 'redirecting mechanism=pf why="this is macOS" limit=9072'],
      ['IPv6', '2026-11-23T07:36:02.810Z warn  IPv6 connections are refused reason="no route"'],
      ['ready', 'not said'],
    ]);
  });
});

describe('a way for IPv6', () => {
  const reached = (name: string) =>
    `   route to: 1.1.1.1\ndestination: default\n  interface: ${name}\n      flags: <UP>\n`;

  test('is the interface that a route goes by, but for lo0', () => {
    expect(
      [reached('en0'), reached('lo0'), 'route: writing to routing socket: not in table\n'].map(interfaceIn),
    ).toEqual(['en0', undefined, undefined]);
  });

  test('is made where there is none, and taken out in reverse', async () => {
    const ran: string[] = [];
    const road = roadOfIpv6(
      (argv) => {
        const command = argv.join(' ');
        ran.push(command);
        const said = command === 'route -n get default' ? reached('en7') : 'not in table\n';
        return Promise.resolve({ code: 0, stdout: said, said });
      },
      '2606:4700:4700::1111',
      '2606:4700:4700::/48',
    );
    expect(await road.make()).toBe('2001:db8:5e7::2 on en7, by 2001:db8:5e7::1');
    ran.length = 0;
    await road.remove();
    await road.remove();
    expect(ran).toEqual([
      'route -n delete -inet6 -net 2001:db8::/32 2001:db8:5e7::1',
      'route -n delete -inet6 -net 2606:4700:4700::/48 2001:db8:5e7::1',
      'ifconfig en7 inet6 2001:db8:5e7::2 -alias',
    ]);
  });
});

describe('programs', () => {
  const folder = folderForEach();

  test('that end give what they said, and their code', async () => {
    expect(await runToEnd(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      said: 'out\nerr\n',
    });
    expect((await runToEnd(['no-such-program-of-a-mac'])).code).toBe(127);
    expect((await runToEnd(['sleep', '60'], 50)).code).not.toBe(0);
  });

  test('beside are waited for, and kept in a file', async () => {
    const script = 'echo $WORD; echo ready >&2; trap "exit 4" TERM; while :; do sleep 0.05; done';
    const program = startBeside(['sh', '-c', script], folder.file('log'), { WORD: 'hello' });
    expect(await program.says(/hello[^]*ready/, 5000)).toBe('hello\nready');
    program.signal('SIGTERM');
    expect(await program.ended(5000)).toBe(4);
    expect(await Bun.file(folder.file('log')).text()).toBe('hello\nready\n');
  });

  test('that end, or stay silent, are not waited for any longer', async () => {
    const [ends, silent] = ['echo bye', 'sleep 60'].map((script) =>
      startBeside(['sh', '-c', script], folder.file('log')),
    );
    const failures = await Promise.allSettled([
      ends!.says(/ready/, 60_000),
      silent!.says(/ready/, 50),
      silent!.ended(50),
    ]);
    silent!.signal('SIGKILL');
    expect(
      failures.map((each) => (each.status === 'rejected' ? String(each.reason).split('\n') : [])),
    ).toEqual([
      ['Error: echo bye has not said /ready/; its last words:', 'bye'],
      ['Error: sleep 60 has not said /ready/; its last words:', ''],
      [expect.stringContaining('has not ended'), ''],
    ]);
  });

  test('are asked until they answer', async () => {
    let asked = 0;
    expect(await within(5000, () => (++asked === 2 ? asked : undefined))).toBe(2);
    expect(await within(0, () => undefined)).toBeUndefined();
    expect(lastOf('a\nb\nc\n', 2)).toBe('b\nc');
    expect(inFolder('/r', 'before pfctl -s all.txt')).toBe('/r/before-pfctl--s-all.txt');
  });
});
