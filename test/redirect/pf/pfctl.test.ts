import { describe, expect, test } from 'bun:test';
import { RunError, type Runner } from '../../../src/base/runner.ts';
import { attempt, ENABLE, execute, LOAD, release, RELOAD_MAIN } from '../../../src/redirect/pf/pfctl.ts';
import { RedirectError } from '../../../src/redirect/redirect.ts';
import { LOAD_NOTICES, NOTICES, STALE_WHILE_OFF } from './recorded.ts';
import { says } from './says.ts';

async function errorOf(
  runner: Runner,
  argv: readonly string[] = ENABLE,
  stdin?: string,
): Promise<RedirectError> {
  try {
    await execute(runner, argv, stdin);
  } catch (error) {
    if (error instanceof RedirectError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const failing = (stderr: string) => says(() => ({ code: 1, stderr }));

describe('execute()', () => {
  test('returns what was said, notices and all: they are no failure', async () => {
    expect(
      await execute(
        says(() => ({ stderr: LOAD_NOTICES })),
        LOAD,
        '',
      ),
    ).toEqual({
      code: 0,
      stdout: '',
      stderr: LOAD_NOTICES,
    });
  });

  test.each([
    ['pfctl: /dev/pf: Permission denied', 'ERR_REDIRECT_PERMISSION', 'as root: sudo'],
    ['pfctl: /dev/pf: Operation not permitted', 'ERR_REDIRECT_PERMISSION', 'organisation that manages'],
    ['pfctl: DIOCSTARTREF: Operation not permitted', 'ERR_REDIRECT_PERMISSION', 'organisation that manages'],
    ['pfctl: /dev/pf: No such file or directory', 'ERR_REDIRECT_UNSUPPORTED', 'no packet filter'],
    ['pfctl: DIOCXCOMMIT: Cannot allocate memory', 'ERR_REDIRECT_COMMAND', '200,000'],
    [
      'stdin:3: syntax error\npfctl: Syntax error in config file: pf rules not loaded',
      'ERR_REDIRECT_COMMAND',
      'report',
    ],
    [
      'stdin:2: cannot load "/var/run/snet/pf-bypass.txt": No such file or directory',
      'ERR_REDIRECT_COMMAND',
      'report',
    ],
  ] as const)('%s', async (stderr, status, hint) => {
    const error = await errorOf(failing(`${NOTICES}${stderr}\n`));
    expect(error.status).toBe(status);
    expect(error.hint).toContain(hint);
  });

  test('does not take mistakes in /etc/pf.conf for ours', async () => {
    const stderr = '/etc/pf.conf:29: syntax error\npfctl: Syntax error in config file: pf rules not loaded\n';
    const { hint } = await errorOf(failing(stderr), RELOAD_MAIN);
    expect(hint).toContain('sudo pfctl -nf /etc/pf.conf');
    expect(hint).not.toContain('report');
    expect((await errorOf(failing('pfctl: /dev/pf: Permission denied\n'), RELOAD_MAIN)).status).toBe(
      'ERR_REDIRECT_PERMISSION',
    );
  });

  test('passes on what pfctl said, without what it always says', async () => {
    const { message } = await errorOf(failing(`${LOAD_NOTICES}pfctl: something new\n`), LOAD);
    expect(message).toBe('pfctl -a com.apple/snet -f - failed: pfctl: something new');
    expect((await errorOf(failing(NOTICES))).message).toBe('pfctl -E failed: exit code 1, without a word');
    expect((await errorOf(failing('pfctl: something new'))).hint).toBeUndefined();
  });

  test('shows the line of ours that pfctl did not like', async () => {
    const { message } = await errorOf(failing('stdin:2: syntax error\n'), LOAD, 'pass all\npass none\n');
    expect(message).toBe('pfctl -a com.apple/snet -f - failed at "pass none": stdin:2: syntax error');
    expect((await errorOf(failing('stdin:9: syntax error\n'), LOAD, 'pass all\n')).message).not.toContain(
      ' at ',
    );
  });

  test('waits for another program’s change to end', async () => {
    const busy = 'pfctl: DIOCXCOMMIT: Resource busy\n';
    let left = 2;
    const runner = says(() => (left-- > 0 ? { code: 1, stderr: busy } : { stdout: 'done' }));
    expect((await execute(runner, LOAD, '')).stdout).toBe('done');
    expect(runner.calls).toHaveLength(3);
    const error = await errorOf(failing(busy), LOAD, '');
    expect(error.message).toContain('Resource busy');
    expect(error.hint).toContain('another program');
  });

  test.each([
    ['ERR_RUN_MISSING', 'ERR_REDIRECT_UNSUPPORTED'],
    ['ERR_RUN_TIMEOUT', 'ERR_REDIRECT_COMMAND'],
  ] as const)('%s becomes %s, and keeps its words', async (given, status) => {
    const cause = new RunError(given, 'the reason');
    expect(await errorOf(says(() => cause))).toMatchObject({ status, message: 'the reason', cause });
  });

  test("lets an error through that isn't the program's", () => {
    const runner: Runner = { ...says(() => ({})), run: () => Promise.reject(new TypeError('ours')) };
    expect(() => errorOf(runner)).toThrow('ours');
  });
});

describe('attempt()', () => {
  const isFine = (stderr: string) => stderr.includes('not enabled');

  test('tells success, and failure that is of no matter', async () => {
    expect(
      await attempt(
        says(() => ({})),
        release('1'),
        isFine,
      ),
    ).toBe(true);
    expect(await attempt(failing(STALE_WHILE_OFF), release('1'), isFine)).toBe(false);
  });

  test('throws for any other', () => {
    expect(() => attempt(failing('pfctl: no idea\n'), release('1'), isFine)).toThrow('pfctl -X 1 failed');
  });
});
