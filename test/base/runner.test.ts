import { describe, expect, test } from 'bun:test';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { linesOf } from '../../src/base/lines.ts';
import { missingProgram, RunError, runNow, selfArgv, systemRunner } from '../../src/base/runner.ts';
import { pluginPath, systemPath } from '../../src/base/select_search_path.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForEach } from '../lab/folder.ts';
import { hasEnded } from '../lab/proc.ts';

const sh = (script: string, ...args: readonly string[]) => ['sh', '-c', script, 'sh', ...args];

/** The error that a run ends with. */
async function failure(run: Promise<unknown>): Promise<RunError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RunError);
  return error as RunError;
}

describe('run()', () => {
  const folder = folderForEach();

  test('gives what the program said, where it said it, and its exit code', async () => {
    expect(await systemRunner.run(sh('echo out; echo err >&2; exit 3'))).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('tells a signal by 128 + n', async () => {
    expect((await systemRunner.run(sh('kill -TERM $$'))).code).toBe(128 + 15);
    expect((await systemRunner.run(sh('kill -KILL $$'))).code).toBe(128 + 9);
  });

  test('hands over stdin whole, even more than a pipe holds, and nothing if none is given', async () => {
    const text = '0123456789abcdef'.repeat(100_000);
    expect((await systemRunner.run(['cat'], { stdin: text })).stdout).toBe(text);
    expect((await systemRunner.run(['cat'])).stdout).toBe('');
  });

  test('does not mind a program that leaves its stdin unread', async () => {
    expect((await systemRunner.run(sh('exit 4'), { stdin: 'x'.repeat(1_000_000) })).code).toBe(4);
  });

  test('passes arguments on as they are: no shell reads them', async () => {
    const odd = ['', ' ', '$HOME', '`id`', '; exit 1', '"', "'", '*', '-n', 'ä\n'];
    const { stdout } = await systemRunner.run(sh('for arg; do printf "%s\\0" "$arg"; done', ...odd));
    expect(stdout.split('\0').slice(0, -1)).toEqual(odd);
  });

  test('lets the program see nothing of our environment, and no folder of ours', async () => {
    process.env['SNET_TEST_SECRET'] = 'hidden';
    try {
      const { stdout } = await systemRunner.run(['env']);
      const names = stdout.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
      expect(names.toSorted()).toEqual(['LC_ALL', 'PATH']);
      expect(/^PATH=(.*)$/m.exec(stdout)![1]!.split(':')).toContain('/usr/sbin');
    } finally {
      delete process.env['SNET_TEST_SECRET'];
    }
    expect((await systemRunner.run(['pwd'])).stdout).toBe('/\n');
  });

  test('lets the program have no descriptor but its three', async () => {
    const ours = Array.from({ length: 20 }, () => openSync(folder.file('lock'), 'w'));
    try {
      const { stdout } = await systemRunner.run(['ls', '/dev/fd/']);
      const theirs = stdout.trim().split('\n').map(Number);
      expect(theirs).toContain(0);
      // The folder that it lists is one more.
      expect(Math.max(...theirs)).toBeLessThan(5);
    } finally {
      ours.forEach((fd) => closeSync(fd));
    }
  });

  test('kills what does not end in time', async () => {
    const error = await failure(systemRunner.run(['sleep', '1000'], { timeout: 50 }));
    expect(error.status).toBe('ERR_RUN_TIMEOUT');
    expect(error.message).toBe('sleep did not end within 50 ms and was killed');
  });

  test('does not wait for what such a program has started itself, which may hold its pipes', async () => {
    const pidFile = folder.file('pids');
    const script = 'sleep 1000 & echo $$ $! >"$1"; wait';
    const error = await failure(systemRunner.run(sh(script, pidFile), { timeout: 500 }));
    expect(error.status).toBe('ERR_RUN_TIMEOUT');
    const [killed, left] = readFileSync(pidFile, 'utf8').trim().split(' ').map(Number) as [number, number];
    await eventually('the program to be gone', () => hasEnded(killed));
    expect(hasEnded(left)).toBe(false);
    process.kill(left, 'SIGKILL');
  });

  test('of a program that is missing says so', async () => {
    const error = await failure(systemRunner.run(['snet-no-such-program']));
    expect(error.status).toBe('ERR_RUN_MISSING');
    expect(error.message).toBe('the program snet-no-such-program is not installed');
    expect(error.hint).toBeUndefined();
  });
});

describe('runNow()', () => {
  test('gives what the program said, where it said it, and its exit code or signal', () => {
    expect(runNow(sh('echo out; echo err >&2; exit 3'))).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(runNow(sh('kill -TERM $$')).code).toBe(128 + 15);
    expect(runNow(['pwd']).stdout).toBe('/\n');
    expect(runNow(['cat']).stdout).toBe('');
  });

  test('kills what does not end in time, whatever holds its pipes', () => {
    const before = performance.now();
    expect(() => runNow(sh('sleep 20 & sleep 10'), { timeout: 100 })).toThrow(
      'sh did not end within 100 ms and was killed',
    );
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test('of a program that is missing throws', () => {
    expect(() => runNow(['snet-no-such-program'])).toThrow(RunError);
  });
});

test('on a Mac nothing is started by its name from where others than root may write; plugins may be there', () => {
  // pfctl, ifconfig, route; scutil, sysctl, lsof; launchctl
  const system = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  expect(systemPath('darwin').split(':')).toEqual(system);
  const plugins = pluginPath('darwin').split(':');
  expect(plugins.slice(0, system.length)).toEqual(system);
  expect(plugins).toContain('/opt/homebrew/bin');
  for (const path of [systemPath('linux'), pluginPath('linux')])
    expect(path).toBe('/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
});

test.each([
  ['ip', 'iproute2'],
  ['ipset', 'ipset'],
  ['iptables-save', 'iptables'],
  ['iptables-restore', 'iptables'],
  ['ip6tables-save', 'iptables'],
  ['ip6tables-restore', 'iptables'],
  ['obfs-local', 'simple-obfs'],
  ['v2ray-plugin', 'shadowsocks-v2ray-plugin'],
  ['ss-v2ray-plugin', 'shadowsocks-v2ray-plugin'],
])('missingProgram(%p) names the package', (program, name) => {
  expect(missingProgram(program).hint).toBe(`On Debian and Ubuntu: apt install ${name}`);
});

describe('start()', () => {
  /** A child that says what it reads, and `end` when its stdin ends. */
  const REPEATER = sh('while read -r line; do echo "$line"; done; echo end');

  test('gives a child that is talked to through pipes; the end of its stdin is ours to give', async () => {
    const child = systemRunner.start(REPEATER);
    const lines = linesOf(child.stdout);
    child.stdin.write('one\n');
    await child.stdin.flush();
    expect((await lines.next()).value).toBe('one');
    await child.stdin.end();
    expect((await lines.next()).value).toBe('end');
    expect(await child.exited).toBe(0);
  });

  test('gives a child that can be killed', async () => {
    const child = systemRunner.start(REPEATER);
    child.kill('SIGKILL');
    expect(await child.exited).toBe(128 + 9);
  });

  test.each([
    [true, 'of its own'],
    [false, 'of ours'],
  ])('with detached %p: in a session %s', async (detached) => {
    const child = systemRunner.start(REPEATER, { detached });
    const sessionOf = (pid: number) =>
      Number(/\) \S \d+ \d+ (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))![1]);
    expect(sessionOf(child.pid)).toBe(detached ? child.pid : sessionOf(process.pid));
    child.kill('SIGKILL');
    await child.exited;
  });

  test('gives the child variables of its own, besides those of every program', async () => {
    const child = systemRunner.start(['env'], { env: { ITS: 'own; $HOME' } });
    const said = await Array.fromAsync(linesOf(child.stdout));
    expect(said.toSorted()).toEqual([
      'ITS=own; $HOME',
      'LC_ALL=C',
      expect.stringMatching(/^PATH=.*:\/usr\/sbin:/),
    ]);
  });

  test('of a program that is missing throws', () => {
    expect(() => systemRunner.start(['snet-no-such-program'])).toThrow(RunError);
  });

  test('its stdin ends when we do, however that is', async () => {
    const script = new URL('scripts/start_and_wait.ts', import.meta.url).pathname;
    const parent = Bun.spawn([process.execPath, script], {
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    let pid: number;
    try {
      pid = Number((await linesOf(parent.stdout).next()).value);
      expect(hasEnded(pid)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
    await eventually('the child to end', () => hasEnded(pid));
  });
});

test('selfArgv() starts this program', () => {
  expect(selfArgv(['a', 'b'])).toEqual([process.execPath, Bun.main, 'a', 'b']);
});
