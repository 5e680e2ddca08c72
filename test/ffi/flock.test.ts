import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '../../ffi/flock.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'snet-flock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function open(): number {
  return openSync(join(directory, 'lock'), 'a');
}

describe('tryLock', () => {
  test('gives the lock to one at a time, and again after a close', () => {
    const [first, second] = [open(), open()];
    expect(tryLock(first)).toBe(true);
    expect(tryLock(second)).toBe(false);
    // The holder may ask again.
    expect(tryLock(first)).toBe(true);
    closeSync(first);
    expect(tryLock(second)).toBe(true);
    closeSync(second);
  });

  test('is lost with the process that held it, even by SIGKILL', async () => {
    const script = `
      import { openSync } from 'node:fs';
      import { tryLock } from '${import.meta.dir}/../../ffi/flock.ts';
      console.log(tryLock(openSync(process.argv[1], 'a')));
      setInterval(() => {}, 60_000);
    `;
    const child = Bun.spawn([process.execPath, '-e', script, join(directory, 'lock')], { stdout: 'pipe' });
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('true\n');
    const fd = open();
    expect(tryLock(fd)).toBe(false);
    child.kill('SIGKILL');
    await child.exited;
    expect(tryLock(fd)).toBe(true);
    closeSync(fd);
  });

  test('fails for what is no open file', () => {
    expect(() => tryLock(-1)).toThrow('flock: EBADF');
  });
});
