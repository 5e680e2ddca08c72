/** What is asked of sysctl and ps. */
import { describe, expect, test } from 'bun:test';
import { RunError } from '../../../src/base/runner.ts';
import { bootId, isOfThisBoot } from '../../../src/redirect/pf/boot_id.ts';
import { isRunning } from '../../../src/redirect/pf/running.ts';
import { readSegmentation, writeSegmentation } from '../../../src/redirect/pf/sysctl.ts';
import { says } from './says.ts';

describe('bootId()', () => {
  const UUID = '4E4A2428-2FBD-4164-B6B6-B1FDA7DA43BD';

  test('is the kernel’s UUID', async () => {
    expect(await bootId(says(() => ({ stdout: `${UUID}\n` })))).toBe(UUID);
  });

  test('is the second of the boot where there is none', async () => {
    const runner = says((command) =>
      command.endsWith('boottime')
        ? { stdout: '{ sec = 1764000000, usec = 123456 } Mon Nov 24 16:00:00 2025\n' }
        : { code: 1, stderr: "sysctl: unknown oid 'kern.bootsessionuuid'\n" },
    );
    expect(await bootId(runner)).toBe('1764000000');
  });

  test('is not known where the system does not tell', async () => {
    expect(await bootId(says(() => ({ stdout: '' })))).toBeUndefined();
    expect(await bootId(says(() => new RunError('ERR_RUN_MISSING', '')))).toBeUndefined();
  });
});

describe('isOfThisBoot()', () => {
  const UUID = '4E4A2428-2FBD-4164-B6B6-B1FDA7DA43BD';
  const telling = (uuid: string, second: number) =>
    says((command) =>
      command.endsWith('uuid') ? { stdout: uuid } : { stdout: `{ sec = ${second}, usec = 1 }` },
    );

  test('compares like with like', async () => {
    expect(await isOfThisBoot(telling(UUID, 1), UUID)).toBe(true);
    expect(await isOfThisBoot(telling(UUID.replace('4E', '4F'), 1), UUID)).toBe(false);
    expect(await isOfThisBoot(telling(UUID, 1), '1')).toBe(true);
    expect(await isOfThisBoot(telling(UUID, 2), '1')).toBe(false);
  });

  test('believes so where the system does not tell', async () => {
    expect(await isOfThisBoot(telling('', 1), UUID)).toBe(true);
    expect(
      await isOfThisBoot(
        says(() => ({ code: 1 })),
        '1',
      ),
    ).toBe(true);
  });
});

describe('isRunning()', () => {
  const table = (programs: Readonly<Record<number, string>>) =>
    says((command) => {
      const program = programs[Number(/-p (\d+)$/.exec(command)![1])];
      return program === undefined ? { code: 1 } : { stdout: `${program}\n` };
    });

  test('knows the same program by its name, wherever it lies', async () => {
    const runner = table({
      [process.pid]: '/usr/local/bin/snet',
      7: '/opt/homebrew/bin/snet',
      8: '/sbin/launchd',
    });
    expect(await isRunning(runner, 7)).toBe(true);
    expect(await isRunning(runner, 8)).toBe(false);
    expect(await isRunning(runner, 9)).toBe(false);
  });

  test('takes what has ended, but was not waited for, as ended', async () => {
    expect(await isRunning(table({ [process.pid]: '(snet)', 7: '(snet)' }), 7)).toBe(false);
  });

  test('does without ps', async () => {
    expect(
      await isRunning(
        says(() => new RunError('ERR_RUN_MISSING', '')),
        7,
      ),
    ).toBe(false);
  });
});

describe('segmentation by the card', () => {
  test('is read and written as a number', async () => {
    expect(await readSegmentation(says(() => ({ stdout: '1\n' })))).toBe(1);
    const runner = says(() => ({ stdout: 'net.inet.tcp.tso: 1 -> 0\n' }));
    await writeSegmentation(runner, 0);
    expect(runner.calls).toEqual(['sysctl net.inet.tcp.tso=0']);
  });

  test('that is no number is no value', () => {
    expect(() => readSegmentation(says(() => ({ stdout: 'on\n' })))).toThrow('net.inet.tcp.tso is "on"');
  });

  test('that may not be set is told of', async () => {
    const runner = says(() => ({ code: 1, stderr: 'sysctl: net.inet.tcp.tso: Operation not permitted\n' }));
    expect(await writeSegmentation(runner, 0).catch((error: unknown) => error)).toMatchObject({
      status: 'ERR_REDIRECT_PERMISSION',
    });
  });
});
